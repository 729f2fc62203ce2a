"""What the contract of the chassis' own clients needs besides brokers: databases, and an delivery between both."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.database import Database
from services.chassis.topics import create_topics
from tests.support.brokers import BrokerProcess
from tests.support.database import Database as MakeDatabase
from tests.support.database import database, database_server
from tests.support.delivery import Delivery

__all__ = ["database", "database_server"]


@pytest.fixture
async def url(database: MakeDatabase) -> str:
    """The address of a database with what the chassis makes."""
    return await database("chassis")


@pytest.fixture
async def store(url: str) -> AsyncIterator[Database]:
    """That database, opened."""
    opened = Database(url)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def delivery(store: Database, broker: BrokerProcess, name: str) -> Delivery:
    """Nothing running yet, on the project's own topics."""
    await create_topics(broker.bootstrap)
    made = Delivery(store, broker.bootstrap, name)
    await made.effects.create()
    return made
