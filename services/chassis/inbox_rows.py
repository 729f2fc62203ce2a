"""The rows of the inbox: how far each key is, and the records that are set aside with their keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from services.chassis.arrays import bigints, booleans, texts, uuids
from services.chassis.messages import Record, readable
from services.chassis.rows import ask, put

TopicKey: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class KeyState:
    """Where one key of one topic stands."""

    sequence: int
    parked: bool
    twin: UUID | None = None
    """Whose the key is, where that is a test twin."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A record to set aside."""

    record: Record
    reason: str


async def lock_keys(connection: AsyncConnection[TupleRow], keys: Collection[TopicKey]) -> dict[TopicKey, KeyState]:
    """Lock keys in one order, whoever asks; those that are new stand at sequence 0."""
    named = [(texts(topic for topic, _ in keys), texts(key for _, key in keys))]
    await put(
        connection,
        "INSERT INTO inbox (topic, key, sequence)"
        " SELECT topic, key, 0 FROM unnest(%s, %s) AS k (topic, key)"
        " ORDER BY topic, key ON CONFLICT DO NOTHING",
        named,
    )
    rows = await ask(
        connection,
        "SELECT inbox.topic, inbox.key, inbox.sequence, inbox.parked, inbox.twin_id FROM inbox"
        " JOIN unnest(%s, %s) AS k (topic, key) ON inbox.topic = k.topic AND inbox.key = k.key"
        " ORDER BY inbox.topic, inbox.key FOR UPDATE OF inbox",
        named,
        tuple,
    )
    return {(topic, key): KeyState(*state) for topic, key, *state in await rows.one()}


async def save_keys(connection: AsyncConnection[TupleRow], states: Mapping[TopicKey, KeyState]) -> None:
    """Save where locked keys stand."""
    await put(
        connection,
        "UPDATE inbox SET sequence = k.sequence, parked = k.parked, twin_id = k.twin_id"
        " FROM unnest(%s, %s, %s, %s, %s) AS k (topic, key, sequence, parked, twin_id)"
        " WHERE inbox.topic = k.topic AND inbox.key = k.key"
        " AND (inbox.sequence, inbox.parked) IS DISTINCT FROM (k.sequence, k.parked)",
        [
            (
                texts(topic for topic, _ in states),
                texts(key for _, key in states),
                bigints(state.sequence for state in states.values()),
                booleans(state.parked for state in states.values()),
                uuids(state.twin for state in states.values()),
            )
        ],
    )


async def sum_applied(connection: AsyncConnection[TupleRow], platform_id: UUID) -> dict[str, int]:
    """Sum up, by topic, the numbers of the last events that were applied of each key of a test twin."""
    cursor = await connection.execute(
        "SELECT topic, sum(sequence)::bigint FROM inbox WHERE twin_id = %s GROUP BY topic", (platform_id,)
    )
    return dict(await cursor.fetchall())


async def park(connection: AsyncConnection[TupleRow], parked: Sequence[Parked]) -> None:
    """Set records aside, each once."""
    now = datetime.now(UTC)
    for item in parked:
        record = item.record
        headers = Jsonb([[name, readable(value)] for name, value in record.headers])
        await connection.execute(
            "INSERT INTO parked_messages (topic, key, partition, position, value, headers, reason, parked_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (record.topic, record.key, record.partition, record.offset, record.value, headers, item.reason, now),
        )


async def take_parked(connection: AsyncConnection[TupleRow], topic: str, key: str) -> list[Record]:
    """Take the records of a key out again, in the order they were set aside."""
    cursor = await connection.execute(
        "WITH taken AS (DELETE FROM parked_messages WHERE topic = %s AND key = %s RETURNING *)"
        " SELECT value, headers, partition, position FROM taken ORDER BY number",
        (topic, key),
    )
    return [
        _record(topic, key, value, headers, partition, position) async for value, headers, partition, position in cursor
    ]


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key that is parked: how many records, and why and since when the first of them is."""

    topic: str
    key: str
    messages: int
    reason: str
    parked_at: datetime


async def list_parked_keys(connection: AsyncConnection[TupleRow], limit: int) -> list[ParkedKey]:
    """List parked keys, the longest parked first."""
    cursor = await connection.execute(
        "SELECT topic, key, count(*), (array_agg(reason ORDER BY number))[1], min(parked_at)"
        " FROM parked_messages GROUP BY topic, key ORDER BY min(number) LIMIT %s",
        (limit,),
    )
    return [ParkedKey(*row) async for row in cursor]


async def list_parked(
    connection: AsyncConnection[TupleRow], topic: str, key: str, limit: int
) -> list[tuple[Parked, datetime]]:
    """List the records of a key in the order they were set aside, each with when."""
    cursor = await connection.execute(
        "SELECT value, headers, partition, position, reason, parked_at FROM parked_messages"
        " WHERE topic = %s AND key = %s ORDER BY number LIMIT %s",
        (topic, key, limit),
    )
    return [
        (Parked(_record(topic, key, value, headers, partition, position), reason), at)
        async for value, headers, partition, position, reason, at in cursor
    ]


async def find_parked_with(connection: AsyncConnection[TupleRow], text: str) -> list[tuple[int, str, str, bytes]]:
    """Find records in whose values a text stands: number, topic, key and value."""
    cursor = await connection.execute(
        "SELECT number, topic, key, value FROM parked_messages WHERE position(%s IN value) > 0 ORDER BY number",
        (text.encode(),),
    )
    return [(row[0], row[1], row[2], row[3]) async for row in cursor]


async def replace_parked(connection: AsyncConnection[TupleRow], number: int, value: bytes) -> None:
    """Replace the value of a record."""
    await connection.execute("UPDATE parked_messages SET value = %s WHERE number = %s", (value, number))


def _record(
    topic: str, key: str, value: bytes, headers: Sequence[tuple[str, str]], partition: int, position: int
) -> Record:
    return Record(topic, key, value, tuple((name, text.encode()) for name, text in headers), partition, position)


async def count_parked_keys(connection: AsyncConnection[TupleRow]) -> int:
    """Count the keys that are parked, by what is set aside: of keys that go on there may be any number."""
    cursor = await connection.execute("SELECT count(*) FROM (SELECT DISTINCT topic, key FROM parked_messages) AS keys")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
