"""How far pricing is with the events of a campaign's teams, seen in both databases, and a start from the topics' ends.

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
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from services.chassis.database import database_url
from tests.bench.campaign import a_team
from tests.bench.errors import BenchError
from tests.bench.installation import Installation, Program
from tests.bench.seed import Team, read_team

PRICING = "pricing"
GROUP = "groupbuy-pricing"
TOPIC = "groupbuy.team.v1"
LONGEST_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_OPENING = 32
"""Teams that are opened at a time."""


async def run_pricing(whole: Installation) -> Program:
    """Start pricing where team_formation asks it for price tables."""
    return await whole.run(PRICING, "services.pricing", LISTEN=f"127.0.0.1:{whole.ports[PRICING]}")


def pricing_database(whole: Installation) -> str:
    """Give the address of pricing's database."""
    return database_url(whole.postgres.url, PRICING)


async def forget_backlog(whole: Installation) -> None:
    """Have pricing, which does not run, begin behind all events of teams that are in the topic."""
    await asyncio.to_thread(_to_the_end, whole.kafka.bootstrap)


def _to_the_end(bootstrap: str) -> None:
    consumer: Any = KafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    partitions = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    consumer.commit({at: OffsetAndMetadata(ends[at], "", -1) for at in partitions})
    consumer.close()


async def opened_teams(whole: Installation, campaign_id: str, count: int) -> list[Team]:
    """Open teams by calls, some at a time."""
    room = asyncio.Semaphore(_OPENING)

    async with whole.stub() as call:

        async def one() -> Team:
            async with room:
                return read_team((await call("OpenTeam", a_team(campaign_id))).team.team_id)

        return list(await asyncio.gather(*[one() for _ in range(count)]))


@dataclass(frozen=True, slots=True)
class Place:
    """A look at both sides of a campaign at a moment: events told by team_formation, and applied by pricing."""

    at: float
    told: int
    applied: int

    @property
    def backlog(self) -> int:
        """Events that pricing has not applied."""
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
        """Look until it is enough; BenchError when that takes too long."""
        ends = time.monotonic() + LONGEST_SECONDS
        while not enough(place := await self.look(campaign_id)):
            if time.monotonic() > ends:
                raise BenchError(f"After {LONGEST_SECONDS:.0f} s pricing still lacks {place.backlog:,} events.")
            await asyncio.sleep(_LOOK_SECONDS)
        return place

    async def places(self, campaign_id: UUID, work: "asyncio.Task[Any]") -> list[Place]:
        """Look again and again while work goes on."""
        places = [await self.look(campaign_id)]
        while not work.done():
            await asyncio.sleep(_LOOK_SECONDS * 2)
            places.append(await self.look(campaign_id))
        return places


@asynccontextmanager
async def lookout(whole: Installation) -> AsyncIterator[Lookout]:
    """Connect to both databases; they are left when this ends."""
    connect = psycopg.AsyncConnection.connect
    async with (
        await connect(whole.database, autocommit=True) as told,
        await connect(pricing_database(whole), autocommit=True) as applied,
    ):
        yield Lookout(told, applied)


async def _number(connection: "psycopg.AsyncConnection[Any]", query: str, campaign_id: UUID) -> int:
    row = await (await connection.execute(query, (campaign_id,))).fetchone()
    return int(row[0] or 0) if row else 0
