"""What the chassis' tests share: a service's database with nothing in it but what the chassis makes."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.database import Database
from tests.support.database import Database as MakeDatabase


@pytest.fixture
async def url(database: MakeDatabase) -> str:
    """The address of that database."""
    return await database("chassis")


@pytest.fixture
async def store(url: str) -> AsyncIterator[Database]:
    """That database, opened."""
    opened = Database(url)
    await opened.start()
    yield opened
    await opened.stop()
