"""Test clocks that are being moved on."""

from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def find_moving(connection: AsyncConnection[TupleRow], limit: int) -> list[tuple[UUID, datetime]]:
    """Find twins whose clocks are being moved, and up to when, without locks.

    By chance where there are more: some that stand, as a service is away, keep no others from their turn.
    """
    cursor = await connection.execute(
        "SELECT platform_id, target FROM clock_targets ORDER BY random() LIMIT %s", (limit,)
    )
    return [(platform_id, target) async for platform_id, target in cursor]


async def find_target(connection: AsyncConnection[TupleRow], platform_id: UUID) -> datetime | None:
    """Find up to when a twin's clock is being moved; of a twin whose row is locked it stays so."""
    cursor = await connection.execute("SELECT target FROM clock_targets WHERE platform_id = %s", (platform_id,))
    row = await cursor.fetchone()
    return row[0] if row else None


async def set_target(connection: AsyncConnection[TupleRow], platform_id: UUID, target: datetime) -> None:
    """Have the clock of a locked twin be moved."""
    await connection.execute(
        "INSERT INTO clock_targets (platform_id, target) VALUES (%s, %s)"
        " ON CONFLICT (platform_id) DO UPDATE SET target = excluded.target",
        (platform_id, target),
    )


async def end_moving(connection: AsyncConnection[TupleRow], platform_id: UUID) -> None:
    """Note that the clock of a locked twin has arrived."""
    await connection.execute("DELETE FROM clock_targets WHERE platform_id = %s", (platform_id,))
