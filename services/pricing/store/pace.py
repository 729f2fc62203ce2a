"""How far pricing is with a test twin: what it has told of it, and what is due there next."""

from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import AT_ONCE, TWINS_ALONE

_OWN = f"platform_id = %(platform)s AND {TWINS_ALONE}"


async def sum_told(connection: AsyncConnection[TupleRow], platform_id: UUID) -> dict[str, int]:
    """Sum up, by topic, the numbers of the last events of a twin's teams and campaigns.

    Settlement events that are promised to a job count: the job is due until it has told them.
    """
    cursor = await connection.execute(
        "SELECT t.prices + c.prices, t.settled, c.tallies FROM"  # noqa: S608 - a constant
        " (SELECT coalesce(sum(price_sequence), 0)::bigint AS prices,"
        " coalesce(sum(settlement_sequence), 0)::bigint AS settled FROM teams WHERE platform_id = %s) AS t,"
        " (SELECT coalesce(sum(price_sequence), 0)::bigint AS prices, coalesce(sum(seq), 0)::bigint AS tallies"
        f" FROM tally_heads WHERE platform_id = %s AND {TWINS_ALONE}) AS c",
        (platform_id, platform_id),
    )
    row = await cursor.fetchone() or (0, 0, 0)
    return dict(zip(("groupbuy.price.v1", "groupbuy.settlement.v1", "groupbuy.tally.v1"), row, strict=True))


_NEXT = (
    "SELECT least((SELECT min(greatest(next_at, %(at_once)s)) FROM awaited_payments"  # noqa: S608 - constants
    " WHERE platform_id = %(platform)s AND state = 'OPEN'),"
    f" (SELECT %(at_once)s FROM settlement_jobs WHERE {_OWN} LIMIT 1),"
    f" (SELECT %(at_once)s FROM tally_deltas WHERE {_OWN} LIMIT 1),"
    f" (SELECT %(at_once)s FROM tally_waits WHERE {_OWN} LIMIT 1))"
)


async def find_next_due(connection: AsyncConnection[TupleRow], platform_id: UUID) -> datetime | None:
    """Find when the next of what waits is due: money that is waited for, or at once: lines and sums to be made."""
    cursor = await connection.execute(_NEXT, {"platform": platform_id, "at_once": AT_ONCE})
    row = await cursor.fetchone()
    return row[0] if row else None
