"""What metrics tell of notification's database: few rows of an index, or counts with an end."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def count_due(
    connection: AsyncConnection[TupleRow], channels: Sequence[str], now: datetime, most: int
) -> dict[str, tuple[int, datetime | None]]:
    """Count the messages that are due, by channel and no more than `most` of each; since when the oldest is."""
    cursor = await connection.execute(
        "SELECT c.channel, d.number, d.oldest FROM unnest(%s::text[]) AS c (channel) CROSS JOIN LATERAL"
        " (SELECT count(*) AS number, min(due_at) AS oldest FROM (SELECT due_at FROM deliveries"
        " WHERE state = 'PENDING' AND channel = c.channel AND due_at <= %s ORDER BY due_at LIMIT %s) AS few) AS d",
        (list(channels), now, most),
    )
    return {channel: (number, oldest) async for channel, number, oldest in cursor}


async def find_oldest_due(connection: AsyncConnection[TupleRow]) -> tuple[datetime | None, datetime | None]:
    """Find when the oldest event has been ready whose messages are not made, and the oldest joins have been due."""
    cursor = await connection.execute(
        "SELECT (SELECT min(created_at) FROM fanout_jobs WHERE ready), (SELECT min(due_at) FROM join_digests)"
    )
    fanout, joins = await cursor.fetchone() or (None, None)
    return fanout, joins
