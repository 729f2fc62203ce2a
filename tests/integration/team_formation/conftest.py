"""Fixtures of team_formation's tests."""

from collections.abc import AsyncIterator

import pytest

from services.chassis.clock import ManualClock
from tests.support.database import Database
from tests.support.formation import START, Formation, a_formation


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still at the start."""
    return ManualClock(START)


@pytest.fixture
async def url(database: Database) -> str:
    """The address of a fresh database of team_formation."""
    return await database("team_formation")


@pytest.fixture
async def formation(url: str, clock: ManualClock) -> AsyncIterator[Formation]:
    """One replica."""
    async with a_formation(url, clock) as running:
        yield running
