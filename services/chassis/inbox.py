"""The inbox: each event takes effect once, in the order of its key; what can never succeed is parked with its key."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.chassis import logs, metrics, trace
from services.chassis.database import Database
from services.chassis.errors import Poison
from services.chassis.messages import Event, Record, Undecodable, by_topic, decode
from services.chassis.topics import topics
from services.chassis.work import Work

Handler: TypeAlias = Callable[[Work, list[Event]], Awaitable[None]]
"""Applies fresh events of one topic, in order, inside a transaction; may raise Poison naming one of them."""

Fill: TypeAlias = Callable[[Event, int], Awaitable[list[Record]]]
"""Fetches the records of an event's key after the given sequence and before the event, where a consumer needs them all."""

log = logs.logger(__name__)


@dataclass(slots=True)
class _Key:
    """Where one key of one topic stands."""

    sequence: int
    parked: bool
    fresh: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Parked:
    """A record to set aside."""

    record: Record
    reason: str


class TooManyParked(Exception):
    """So many keys are parked that something is wrong with this release; the consumer stops rather than drain the topic."""


class Inbox:
    """Applies records of several topics to a service's database."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        fills: Mapping[str, Fill] | None = None,
        max_parked_keys: int = 100,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._fills = fills or {}
        self._max_parked_keys = max_parked_keys

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply a batch in one transaction. A poisonous event is parked, and the rest is applied without it."""
        poisoned: dict[UUID, str] = {}
        while True:
            try:
                async with self._database.work() as work:
                    await self._apply(work, records, poisoned)
            except Poison as poison:
                if poison.event_id in poisoned:
                    raise RuntimeError(f"poison that is not of this batch: {poison.reason}") from poison
                poisoned[poison.event_id] = poison.reason
            else:
                return

    async def redrive(self, topic: str, key: str) -> int:
        """Apply the parked records of a key in order and let it go on; returns how many. Poison leaves all as it was."""
        async with self._database.work() as work:
            states = await _lock(work.connection, {(topic, key)})
            states[topic, key].parked = False
            records = await _take_parked(work.connection, topic, key)
            await self._run(work, records, states, {})
            if states[topic, key].parked:
                raise ValueError("a parked record still cannot be decoded")
            await _save(work.connection, states)
        return len(records)

    async def _apply(self, work: Work, records: Sequence[Record], poisoned: Mapping[UUID, str]) -> None:
        states = await _lock(work.connection, {(record.topic, record.key) for record in records})
        parked = await self._run(work, records, states, poisoned)
        await _save(work.connection, states)
        if parked:
            await _park(work.connection, parked)
            await self._limit(work.connection)

    async def _run(
        self,
        work: Work,
        records: Iterable[Record],
        states: Mapping[tuple[str, str], _Key],
        poisoned: Mapping[UUID, str],
    ) -> list[_Parked]:
        fresh: list[Event] = []
        parked: list[_Parked] = []
        for record in records:
            state = states[record.topic, record.key]
            try:
                fresh += await self._admit(record, state, poisoned)
            except Undecodable as problem:
                state.parked = True
                parked.append(_Parked(record, str(problem)))
        for topic, events in by_topic(fresh).items():
            trace.enter(events[0].record.header(trace.HEADER))
            await self._handlers[topic](work, events)
        return parked

    async def _admit(self, record: Record, state: _Key, poisoned: Mapping[UUID, str]) -> list[Event]:
        if state.parked:
            raise Undecodable("behind a parked event of its key")
        event = decode(record)
        if event.event_id in poisoned:
            raise Undecodable(poisoned[event.event_id])
        if event.sequence <= state.sequence:
            metrics.CONSUMED.labels(record.topic, "repeated").inc()
            return []
        missing = await self._missing(event, state.sequence, poisoned)
        state.sequence = event.sequence
        metrics.CONSUMED.labels(record.topic, "applied").inc()
        return [*missing, event]

    async def _missing(self, event: Event, last: int, poisoned: Mapping[UUID, str]) -> list[Event]:
        topic = event.record.topic
        if event.sequence == last + 1 or topics()[topic].retention == "compact":
            return []
        fill = self._fills.get(topic)
        if fill is None and last == 0:
            return []  # the first sight of a key is its base
        metrics.CONSUMED.labels(topic, "gap").inc()
        log.warning("gap", topic=topic, key=event.record.key, last=last, got=event.sequence, filled=fill is not None)
        found = [decode(record) for record in await fill(event, last)] if fill else []
        for item in found:
            if item.event_id in poisoned:  # it has no record of its own: the one that asked for it is parked
                raise Undecodable(poisoned[item.event_id])
        return [item for item in found if last < item.sequence < event.sequence]

    async def _limit(self, connection: AsyncConnection[TupleRow]) -> None:
        cursor = await connection.execute("SELECT count(*) FROM inbox WHERE parked")
        count = (await cursor.fetchone() or (0,))[0]
        metrics.PARKED_KEYS.set(count)
        if count > self._max_parked_keys:
            raise TooManyParked(
                f"{count} keys are parked; look at parked_messages before you raise GROUPBUY_MAX_PARKED_KEYS"
            )


async def _lock(connection: AsyncConnection[TupleRow], keys: set[tuple[str, str]]) -> dict[tuple[str, str], _Key]:
    ordered = sorted(keys)
    columns = ([topic for topic, _ in ordered], [key for _, key in ordered])
    await connection.execute(
        "INSERT INTO inbox (topic, key, sequence) SELECT topic, key, 0 FROM unnest(%s::text[], %s::text[]) AS k (topic, key)"
        " ORDER BY topic, key ON CONFLICT DO NOTHING",
        columns,
    )
    cursor = await connection.execute(
        "SELECT inbox.topic, inbox.key, inbox.sequence, inbox.parked FROM inbox"
        " JOIN unnest(%s::text[], %s::text[]) AS k (topic, key) ON inbox.topic = k.topic AND inbox.key = k.key"
        " ORDER BY inbox.topic, inbox.key FOR UPDATE OF inbox",
        columns,
    )
    return {(topic, key): _Key(sequence, parked) async for topic, key, sequence, parked in cursor}


async def _save(connection: AsyncConnection[TupleRow], states: Mapping[tuple[str, str], _Key]) -> None:
    await connection.execute(
        "UPDATE inbox SET sequence = k.sequence, parked = k.parked"
        " FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::boolean[]) AS k (topic, key, sequence, parked)"
        " WHERE inbox.topic = k.topic AND inbox.key = k.key"
        " AND (inbox.sequence, inbox.parked) IS DISTINCT FROM (k.sequence, k.parked)",
        (
            [topic for topic, _ in states],
            [key for _, key in states],
            [state.sequence for state in states.values()],
            [state.parked for state in states.values()],
        ),
    )


async def _park(connection: AsyncConnection[TupleRow], parked: Sequence[_Parked]) -> None:
    now = datetime.now(UTC)
    for item in parked:
        record = item.record
        metrics.CONSUMED.labels(record.topic, "parked").inc()
        log.error("parked", topic=record.topic, key=record.key, offset=record.offset, reason=item.reason)
        headers = Jsonb([[name, value.decode(errors="replace")] for name, value in record.headers])
        await connection.execute(
            "INSERT INTO parked_messages (topic, key, partition, position, value, headers, reason, parked_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (record.topic, record.key, record.partition, record.offset, record.value, headers, item.reason, now),
        )


async def _take_parked(connection: AsyncConnection[TupleRow], topic: str, key: str) -> list[Record]:
    cursor = await connection.execute(
        "WITH taken AS (DELETE FROM parked_messages WHERE topic = %s AND key = %s RETURNING *)"
        " SELECT value, headers, partition, position FROM taken ORDER BY number",
        (topic, key),
    )
    return [
        Record(topic, key, value, tuple((name, text.encode()) for name, text in headers), partition, position)
        async for value, headers, partition, position in cursor
    ]
