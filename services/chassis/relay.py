"""The relay: from the outbox to Kafka, in order per key, at least once.

One relay per shard (a lock of its session). It keeps a position rather than touching rows, and reads up to the horizon
only, where no transaction under way can add a row any more (see horizon.py).
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import arrays, logs, message_spans, metrics
from services.chassis.database import Database
from services.chassis.errors import Unavailable
from services.chassis.horizon import Horizon
from services.chassis.messages import Message
from services.chassis.outbox import SHARDS, WAKE_CHANNEL
from services.chassis.publisher import Publisher
from services.chassis.wakes import Bell

BATCH = 1000
POLL_SECONDS = 1.0
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
ROUND_SECONDS = 0.01
"""A round costs as much for one event as for fifty: they begin no closer than this while there are few."""
_IN_FLIGHT_SECONDS = 0.002
_LONGEST_IN_FLIGHT_SECONDS = 0.1
_LOCK = 702_236_530
# Partitions before the last row written are not read again, but for this: clocks of replicas differ.
_SLACK = timedelta(days=1)
_EVER = datetime.min.replace(tzinfo=UTC)

_Row: TypeAlias = tuple[int, int, datetime, Message]
"""Position, shard, when it was written, what is published."""

log = logs.logger(__name__)


@dataclass(slots=True)
class _Shard:
    """How far one shard is."""

    position: int
    generation: int


class RelaySession:
    """One connection's share of the work: the shards that its session has locked."""

    def __init__(self, connection: AsyncConnection[TupleRow], publisher: Publisher) -> None:
        self._connection = connection
        self._publisher = publisher
        self._horizon = Horizon()
        self._shards: dict[int, _Shard] = {}
        self._floor = _EVER

    async def take_shards(self) -> list[int]:
        """Lock the shards that no other session has, and read how far all of ours are; returns them."""
        for number in set(range(SHARDS)) - set(self._shards):
            cursor = await self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK, number))
            if (await cursor.fetchone() or [False])[0]:
                self._shards[number] = _Shard(0, -1)
        await self._load()
        return sorted(self._shards)

    async def _load(self) -> None:
        cursor = await self._connection.execute(
            "SELECT shard, position, generation, reached_at FROM relay_positions WHERE shard = ANY(%s)",
            (arrays.smallints(self._shards),),
        )
        rows = await cursor.fetchall()
        for number, position, generation, _ in rows:
            if self._shards[number].generation != generation:
                self._shards[number] = _Shard(position, generation)
                self._floor = _EVER
                await self._connection.execute(
                    "UPDATE relay_positions SET heard_generation = %s WHERE shard = %s", (generation, number)
                )
        reached = [row[3] for row in rows]
        if reached and all(reached):
            self._floor = max(self._floor, min(reached) - _SLACK)

    async def run_once(self) -> tuple[int, bool]:
        """Publish what is safe to read; returns the number of events, and whether transactions under way hide more."""
        rows, hidden = await self._read()
        if not rows:
            return 0, hidden
        fresh = [item for position, shard, _, item in rows if position > self._shards[shard].position]
        if fresh:
            with message_spans.published(fresh) as told:
                await self._publisher.publish(told)
            for topic, count in Counter(item.topic for item in fresh).items():
                metrics.RELAYED.labels(topic).inc(count)
            _observe(fresh)
        await self._save(rows[-1][0] if len(rows) == BATCH else self._horizon.safe, rows[-1][2])
        return len(rows), hidden

    async def _read(self) -> tuple[list[_Row], bool]:
        """Look how far it is safe to read and read, in one round trip: what is read beyond that is left for later."""
        low = min((shard.position for shard in self._shards.values()), default=0)
        async with self._connection.pipeline():
            looked = await self._horizon.look(self._connection)
            cursor = await self._connection.execute(
                "SELECT position, shard, created_at,"
                " aggregatetype, aggregateid, id, type, sequence, occurred_at, payload, traceparent"
                " FROM outbox WHERE position > %s AND shard = ANY(%s) AND created_at >= %s"
                " ORDER BY position LIMIT %s",
                (low, arrays.smallints(self._shards), self._floor, BATCH),
                binary=True,
            )
            [found] = await looked.all()
            hidden = self._horizon.advance(*found)
            rows = await cursor.fetchall()
        safe = self._horizon.safe
        return [(row[0], row[1], row[2], Message(*row[3:])) for row in rows if row[0] <= safe], hidden

    async def _save(self, position: int, reached: datetime) -> None:
        cursor = await self._connection.execute(
            "UPDATE relay_positions SET position = greatest(position, %s), reached_at = %s"
            " FROM unnest(%s, %s) AS ours (number, of)"
            " WHERE shard = ours.number AND generation = ours.of RETURNING shard",
            (
                position,
                reached,
                arrays.smallints(self._shards),
                arrays.bigints(shard.generation for shard in self._shards.values()),
            ),
        )
        moved = [number for (number,) in await cursor.fetchall()]
        for number in moved:
            self._shards[number].position = max(self._shards[number].position, position)
        self._floor = max(self._floor, reached - _SLACK)
        if len(moved) < len(self._shards):
            await self._load()  # an operator rewound the others meanwhile


def _observe(sent: Sequence[Message]) -> None:
    """Measure from each fact's own time on; by a clock that is ahead it lies in the future, and tells nothing."""
    now = datetime.now(UTC)
    for item in sent:
        if item.occurred_at <= now:
            metrics.RELAY_DELAY.labels(item.topic).observe((now - item.occurred_at).total_seconds())


class Relay:
    """The part of a process that keeps a session going."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.works = False
        """Whether the last round ended well: each shard has a relay, and Kafka took what there was."""

    async def run(self) -> None:
        """Publish for as long as the process runs; trouble is logged, counted and tried again."""
        waits = iter(RETRY_SECONDS)
        while True:
            try:
                with self._database.wakes.listening(WAKE_CHANNEL) as bell:
                    async with self._database.direct() as connection:
                        async for _ in self._serve(connection, bell):
                            waits = iter(RETRY_SECONDS)
            except (Unavailable, psycopg.Error, OSError) as error:
                metrics.RELAY_FAILURES.inc()
                self.works = False
                wait = next(waits, RETRY_SECONDS[-1])
                log.warning("relay waits", why=str(error).strip(), retry_in_seconds=wait)
                await asyncio.sleep(wait)

    async def _serve(self, connection: AsyncConnection[TupleRow], bell: Bell) -> AsyncIterator[int]:
        # A position that a crash loses is written again; waiting for the disk would slow down who makes the events.
        await connection.execute("SET synchronous_commit = off")
        # planned once, by position: planning over all the days' partitions costs more than reading
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute("SET enable_seqscan = off")
        session = RelaySession(connection, self._publisher)
        looked = -POLL_SECONDS
        pause = _IN_FLIGHT_SECONDS
        while True:
            if time.monotonic() - looked >= POLL_SECONDS:
                await session.take_shards()
                looked = time.monotonic()
            began = time.monotonic()
            sent, hidden = await session.run_once()
            self.works = True
            yield sent
            pause = _IN_FLIGHT_SECONDS if sent else min(2 * pause, _LONGEST_IN_FLIGHT_SECONDS)
            if sent < BATCH:
                await asyncio.sleep(ROUND_SECONDS - (time.monotonic() - began))
                await bell.rung(pause if hidden else POLL_SECONDS)


async def have_heard(connection: AsyncConnection[TupleRow], seconds: float) -> bool:
    """Wait until every relay that runs has heard of the last rewind; False where one has not after so many seconds.

    Until then it may be at writing what it had read before, as one is that waits for Kafka or for a topic.
    """
    until = time.monotonic() + seconds
    while True:
        cursor = await connection.execute(
            "SELECT bool_and(heard_generation = generation OR NOT EXISTS (SELECT FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = %s AND objid = shard::integer::oid AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))) FROM relay_positions",
            (_LOCK,),
        )
        if (await cursor.fetchone() or [False])[0]:
            return True
        if time.monotonic() > until:
            return False
        await asyncio.sleep(POLL_SECONDS / 4)


class Again(NamedTuple):
    """What a rewind has published again."""

    events: int
    oldest: datetime | None
    """When the oldest event that the outbox still has was committed; None where it is empty."""


async def rewind(connection: AsyncConnection[TupleRow], since: datetime) -> Again:
    """Have every event committed since a time published again, in order, by the relays that run (or run next)."""
    await connection.execute(
        "UPDATE relay_positions SET generation = generation + 1, reached_at = %(since)s, position = least(position,"
        " coalesce((SELECT min(position) - 1 FROM outbox WHERE created_at >= %(since)s), position))",
        {"since": since},
    )
    await connection.execute(f"NOTIFY {WAKE_CHANNEL}")
    counted = await connection.execute(
        "SELECT count(*) FILTER (WHERE created_at >= %s), min(created_at) FROM outbox", (since,)
    )
    return Again(*(await counted.fetchone() or (0, None)))
