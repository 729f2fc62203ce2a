"""A notification without its network: database, inbox and members."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.clock import ManualClock
from tests.support.database import Database
from tests.support.notification_rpc import Api, an_api
from tests.support.notifying import START, Notifying, a_notification


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until it is moved."""
    return ManualClock(START)


@pytest.fixture
async def notification(database: Database, clock: ManualClock) -> AsyncIterator[Notifying]:
    """One replica on a fresh database."""
    async with a_notification(await database("notification"), clock) as running:
        yield running


@pytest.fixture
async def api(notification: Notifying) -> AsyncIterator[Api]:
    """The server on a free port, and a client with the keys of two platforms."""
    async with an_api(notification) as opened:
        yield opened
