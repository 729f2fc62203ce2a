"""Pricing on a database of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.database import Database
from tests.support.database import Database as MakeDatabase
from tests.support.pricing import PricingService


@pytest.fixture
async def pricing(database: MakeDatabase) -> AsyncIterator[PricingService]:
    store = Database(await database("pricing"), pool_size=4)
    await store.start()
    yield PricingService(store)
    await store.stop()
