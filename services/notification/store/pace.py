"""How far notification is with a test twin: what is due there next."""

from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import AT_ONCE

_NEXT = (
    "SELECT least((SELECT %(at_once)s FROM fanout_jobs WHERE platform_id = %(platform)s AND ready LIMIT 1),"
    " (SELECT %(at_once)s FROM own_messages WHERE platform_id = %(platform)s LIMIT 1))"
)


async def find_next_due(connection: AsyncConnection[TupleRow], platform_id: UUID) -> datetime | None:
    """Find when the next of what waits is due: at once, what is to be written to many."""
    cursor = await connection.execute(_NEXT, {"platform": platform_id, "at_once": AT_ONCE})
    row = await cursor.fetchone()
    return row[0] if row else None


async def sum_told(_connection: AsyncConnection[TupleRow], _platform_id: UUID) -> dict[str, int]:
    """Sum up nothing: no service reads what notification tells."""
    return {}
