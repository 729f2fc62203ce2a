"""The rows that count each platform's own messages of a day, in UTC."""

from datetime import date
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Connection: TypeAlias = AsyncConnection[TupleRow]


async def count_messages(connection: Connection, platform_id: UUID, day: date) -> int:
    """Tell how many were written."""
    cursor = await connection.execute(
        "SELECT messages FROM message_days WHERE platform_id = %s AND day = %s", (platform_id, day)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def add_messages(connection: Connection, platform_id: UUID, day: date, count: int) -> int:
    """Count so many more; gives how many there are then. Others of the platform wait until this transaction ends."""
    cursor = await connection.execute(
        "INSERT INTO message_days (platform_id, day, messages) VALUES (%s, %s, %s)"
        " ON CONFLICT (platform_id, day) DO UPDATE SET messages = message_days.messages + excluded.messages"
        " RETURNING messages",
        (platform_id, day, count),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else count


async def drop_message_days(connection: Connection, before: date) -> int:
    """Forget days; returns how many rows those were."""
    cursor = await connection.execute("DELETE FROM message_days WHERE day < %s RETURNING 1", (before,))
    return len(await cursor.fetchall())
