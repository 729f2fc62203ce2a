"""Fixtures of team_formation's tests."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.chassis import coalesce
from services.chassis.clock import ManualClock
from tests.support.crowding import Said
from tests.support.database import Database
from tests.support.formation import START, Formation, a_formation
from tests.support.shop_api import Api, serving
from tests.support.told import counter

_SECTION = "concurrency"


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


@pytest.fixture
async def api(formation: Formation, clock: ManualClock) -> AsyncIterator[Api]:
    """A platform's client of a replica's public API."""
    async with serving(formation, clock) as client:
        yield client


@pytest.fixture
async def replicas(url: str, clock: ManualClock) -> AsyncIterator[list[Formation]]:
    """Two replicas with small batches, so that many transactions meet."""
    async with a_formation(url, clock, limit=7) as one, a_formation(url, clock, limit=5) as two:
        yield [one, two]


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Takes what a test has counted, for the end of the run."""
    return counter(_SECTION, request)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    """What batches say in the log, wherever the log goes."""
    said = Said(coalesce.log)
    monkeypatch.setattr(coalesce, "log", said)
    return said
