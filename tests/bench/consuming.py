"""How far a consumer is with the events of a campaign's teams, seen in both databases, and pricing's start from now on.

Teams that SQL has copied have no first event, and pricing would rightly set their keys aside: what is measured here are
teams that were opened by calls, and pricing's place in the topics is set behind everything older.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from services.chassis.database import database_url
from tests.bench.backlog import until_empty
from tests.bench.campaign import a_team
from tests.bench.errors import BenchError
from tests.bench.installation import Installation, Program
from tests.bench.reading import forget_backlog
from tests.bench.seed import Team, read_team

PRICING = "pricing"
TEAMS = "groupbuy.team.v1"
SPREAD_TEAMS = 500
LONGEST_SECONDS = 120.0
"""So long may nothing at all be applied while something is waited for."""
_STARTED = 2_000
"""Events after which pricing's own start is over."""
_LOOK_SECONDS = 0.1
_OPENING = 32
"""Teams that are opened at a time."""


async def run_pricing(whole: Installation) -> Program:
    """Start pricing where team_formation asks it for price tables."""
    return await whole.run(PRICING, "services.pricing", LISTEN=f"127.0.0.1:{whole.ports[PRICING]}")


def pricing_database(whole: Installation) -> str:
    """Give the address of pricing's database."""
    return database_url(whole.postgres.url, PRICING)


async def opened_teams(whole: Installation, campaign_id: str, count: int) -> list[Team]:
    """Open teams by calls, some at a time."""
    return [read_team(seat.team_id) for seat in await opened_seats(whole, campaign_id, count)]


async def opened_seats(whole: Installation, campaign_id: str, count: int, quantity: int = 1) -> list[Any]:
    """Open teams by calls, some at a time; gives their openers' seats, held, each of so many units."""
    room = asyncio.Semaphore(_OPENING)

    async with whole.stub() as call:

        async def one() -> Any:
            request = a_team(campaign_id)
            request.quantity = quantity
            async with room:
                return (await call("OpenTeam", request)).seat

        return list(await asyncio.gather(*[one() for _ in range(count)]))


@dataclass(frozen=True, slots=True)
class Place:
    """A look at both sides of a campaign at a moment: events told by team_formation, and applied by a consumer."""

    at: float
    told: int
    applied: int

    @property
    def backlog(self) -> int:
        """Events that it has not applied."""
        return self.told - self.applied


class Lookout:
    """Counts events; a campaign's teams tell one event for each of their versions."""

    def __init__(self, told: "psycopg.AsyncConnection[Any]", applied: "psycopg.AsyncConnection[Any]") -> None:
        self._told = told
        self._applied = applied

    async def look(self, campaign_id: UUID) -> Place:
        """Look at a campaign."""
        applied = await _number(self._applied, "SELECT sum(version) FROM teams WHERE campaign_id = %s", campaign_id)
        told = await _number(self._told, "SELECT sum(version) FROM teams WHERE campaign_id = %s", campaign_id)
        return Place(time.monotonic(), told, applied)

    async def until(self, campaign_id: UUID, enough: Callable[[Place], bool]) -> Place:
        """Look until it is enough; BenchError when nothing moves for too long."""
        place = await self.look(campaign_id)
        moved = place
        while not enough(place):
            if place.applied > moved.applied:
                moved = place
            if place.at - moved.at > LONGEST_SECONDS:
                raise BenchError(f"The consumer stands for {LONGEST_SECONDS:.0f} s and lacks {place.backlog:,} events.")
            await asyncio.sleep(_LOOK_SECONDS)
            place = await self.look(campaign_id)
        return place

    async def places(self, campaign_id: UUID, work: "asyncio.Task[Any]") -> list[Place]:
        """Look again and again while work goes on."""
        places = [await self.look(campaign_id)]
        while not work.done():
            await asyncio.sleep(_LOOK_SECONDS * 2)
            places.append(await self.look(campaign_id))
        return places


@asynccontextmanager
async def lookout(whole: Installation, consumer: str) -> AsyncIterator[Lookout]:
    """Connect to team_formation's database and a consumer's, given by its address; both are left when this ends."""
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(whole.database, autocommit=True) as told,
        await connect(consumer, autocommit=True) as applied,
    ):
        yield Lookout(told, applied)


async def _number(connection: "psycopg.AsyncConnection[Any]", query: str, campaign_id: UUID) -> int:
    row = await (await connection.execute(query, (campaign_id,))).fetchone()
    return int(row[0] or 0) if row else 0


@asynccontextmanager
async def pricing_from_now(whole: Installation) -> AsyncIterator[Lookout]:
    """Have pricing run, behind all events that are in the topic, until this ends."""
    await until_empty(whole.database)
    await forget_backlog(whole, PRICING, [TEAMS])
    await run_pricing(whole)
    try:
        async with lookout(whole, pricing_database(whole)) as looks:
            yield looks
    finally:
        if PRICING in whole.services:
            await whole.end(PRICING)


async def consumed_alone(whole: Installation, looks: Lookout, before: Place, campaign_id: UUID) -> float:
    """Start pricing with a backlog, with nothing beside it; gives how many events it applies a second.

    `before` is where it was when it ended; what it applies first is its own start.
    """
    await run_pricing(whole)
    began = await looks.until(campaign_id, _beyond(before.applied + _STARTED))
    if nothing_left(began):
        raise BenchError("There was too little to consume: measure longer.")
    ended = await looks.until(campaign_id, nothing_left)
    return (ended.applied - began.applied) / (ended.at - began.at)


def nothing_left(place: Place) -> bool:
    """Tell whether everything that was told is applied."""
    return not place.backlog


def _beyond(applied: int) -> Callable[[Place], bool]:
    return lambda place: place.applied >= applied
