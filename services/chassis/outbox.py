"""The outbox: facts written in the transaction that made them true, on their way to Kafka."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zlib import crc32

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import arrays
from services.chassis.messages import Message
from services.chassis.rows import put

SHARDS = 4
WAKE_CHANNEL = "groupbuy_outbox"
MOST_BYTES = 1_000_000
"""Of one payload: Kafka takes no record above 1 MiB, key and headers included."""

MOST_COUNTED = 100_000
"""So many unsent events are counted: whoever looks after an hour without Kafka does not wait for all of them."""

# The first item makes sure that the transaction has its number before it draws a position: the horizon relies on it.
_APPEND = """
WITH transaction AS MATERIALIZED (SELECT pg_current_xact_id() AS number)
INSERT INTO outbox (
    created_at, shard, id, aggregatetype, aggregateid, sequence, type, occurred_at, payload, traceparent
)
SELECT %s, told.shard, told.id, told.topic, told.key, told.sequence, told.fact, told.occurred_at,
       told.payload, told.traceparent
FROM transaction, unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s)
     WITH ORDINALITY AS told (shard, id, topic, key, sequence, fact, occurred_at, payload, traceparent, nth)
ORDER BY told.nth
"""


async def append(connection: AsyncConnection[TupleRow], told: Sequence[Message]) -> None:
    """Write messages in the order told; Work does it, and wakes the relay after the commit.

    ValueError where one is larger than Kafka takes: better that its transaction fails than that its shard stops.
    """
    for item in told:
        if len(item.payload) > MOST_BYTES:
            raise ValueError(f"{item.fact} of {item.key} has {len(item.payload)} bytes, more than {MOST_BYTES}")
    await put(connection, _APPEND, [_columns(told)])


def _columns(told: Sequence[Message]) -> tuple[object, ...]:
    return (
        datetime.now(UTC),
        arrays.smallints(shard_of(item.key) for item in told),
        arrays.uuids(item.event_id for item in told),
        arrays.texts(item.topic for item in told),
        arrays.texts(item.key for item in told),
        arrays.bigints(item.sequence for item in told),
        arrays.texts(item.fact for item in told),
        arrays.times(item.occurred_at for item in told),
        arrays.byteas(item.payload for item in told),
        arrays.texts(item.traceparent for item in told),
    )


def shard_of(key: str) -> int:
    """Tell the shard of a key, the same for ever."""
    return crc32(key.encode()) % SHARDS


async def unsent(connection: AsyncConnection[TupleRow]) -> tuple[int, datetime | None]:
    """Count committed events that are not in Kafka yet, MOST_COUNTED at most, and tell since when the oldest waits."""
    cursor = await connection.execute(
        "WITH reached AS MATERIALIZED (SELECT min(position) AS position, min(coalesce(reached_at, '-infinity')) AS at"
        " FROM relay_positions)"
        " SELECT count(*), min(created_at) FROM (SELECT outbox.created_at"
        " FROM reached, outbox JOIN relay_positions USING (shard)"
        " WHERE outbox.position > reached.position AND outbox.position > relay_positions.position"
        " AND outbox.created_at >= reached.at - interval '1 day' ORDER BY outbox.position LIMIT %s) AS waiting",
        (MOST_COUNTED,),
    )
    count, oldest = await cursor.fetchone() or (0, None)
    return count, oldest


async def size(connection: AsyncConnection[TupleRow]) -> int:
    """Tell the bytes that the outbox takes on the disk, indexes too."""
    cursor = await connection.execute(
        "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits"
        " WHERE inhparent = 'outbox'::regclass"
    )
    [number] = await cursor.fetchone() or (0,)
    return int(number)
