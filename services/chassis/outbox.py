"""The outbox: facts written in the transaction that made them true, kept by day for as long as the topics keep theirs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from services.chassis.messages import Message

SHARDS = 4
KEEP_DAYS = 14
AHEAD_DAYS = 3
WAKE_CHANNEL = "groupbuy_outbox"

# The first item makes sure that the transaction has its number before it draws a position: the relay relies on it.
_APPEND = """
WITH transaction AS MATERIALIZED (SELECT pg_current_xact_id() AS number)
INSERT INTO outbox (created_at, shard, id, aggregatetype, aggregateid, sequence, type, occurred_at, payload, traceparent)
SELECT %(created_at)s, told.shard, told.id, told.topic, told.key, told.sequence, told.fact, told.occurred_at, told.payload,
       told.traceparent
FROM transaction, unnest(
    %(shard)s::smallint[], %(id)s::uuid[], %(topic)s::text[], %(key)s::text[], %(sequence)s::bigint[], %(fact)s::text[],
    %(occurred_at)s::timestamptz[], %(payload)s::bytea[], %(traceparent)s::text[]
) WITH ORDINALITY AS told (shard, id, topic, key, sequence, fact, occurred_at, payload, traceparent, nth)
ORDER BY told.nth
"""


async def append(connection: AsyncConnection[TupleRow], told: Sequence[Message]) -> None:
    """Write messages in the order told, and wake the relay when the transaction commits."""
    columns = {
        "created_at": datetime.now(UTC),
        "shard": [shard_of(item.key) for item in told],
        "id": [item.event_id for item in told],
        "topic": [item.topic for item in told],
        "key": [item.key for item in told],
        "sequence": [item.sequence for item in told],
        "fact": [item.fact for item in told],
        "occurred_at": [item.occurred_at for item in told],
        "payload": [item.payload for item in told],
        "traceparent": [item.traceparent for item in told],
    }
    await connection.execute(_APPEND, columns)
    await connection.execute(f"NOTIFY {WAKE_CHANNEL}")


def shard_of(key: str) -> int:
    """Tell the shard of a key, the same for ever."""
    return crc32(key.encode()) % SHARDS


async def keep_partitions(connection: AsyncConnection[TupleRow], today: date, keep_days: int = KEEP_DAYS) -> None:
    """Make the partitions of today and the next days, and drop the days that are older than is kept; autocommit."""
    await connection.execute("SET client_min_messages = warning")
    for day in (today + timedelta(days=n) for n in range(-1, AHEAD_DAYS + 1)):
        await connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF outbox FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(f"outbox_{day:%Y%m%d}"),
                sql.Literal(_start(day)),
                sql.Literal(_start(day + timedelta(days=1))),
            )
        )
    last = f"outbox_{today - timedelta(days=keep_days + 1):%Y%m%d}"
    rows = await connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'outbox'::regclass ORDER BY 1"
    )
    for (name,) in await rows.fetchall():
        if name <= last:
            await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))


async def unsent(connection: AsyncConnection[TupleRow]) -> tuple[int, datetime | None]:
    """Tell about how many committed events are not in Kafka yet, and since when the oldest waits."""
    cursor = await connection.execute(
        "WITH sent AS MATERIALIZED (SELECT min(position) AS position, min(reached_at) AS at FROM relay_positions)"
        " SELECT count(*), min(outbox.created_at) FROM sent, outbox WHERE outbox.position > sent.position"
        " AND (sent.at IS NULL OR outbox.created_at >= sent.at - interval '1 hour')"
    )
    count, oldest = await cursor.fetchone() or (0, None)
    return count, oldest


def _start(day: date) -> str:
    return f"{day.isoformat()} 00:00:00+00"
