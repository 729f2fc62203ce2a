"""The windows that platforms set for kinds of messages, in SQL."""

from collections.abc import Mapping
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Kind

Connection: TypeAlias = AsyncConnection[TupleRow]


async def save_windows(connection: Connection, platform_id: UUID, windows: Mapping[Kind, int]) -> None:
    """Replace a platform's windows, in seconds by kind; commands of one platform wait for each other."""
    await connection.execute("SELECT FROM platforms WHERE platform_id = %s FOR UPDATE", (platform_id,))
    await connection.execute("DELETE FROM messaging_windows WHERE platform_id = %s", (platform_id,))
    await connection.execute(
        "INSERT INTO messaging_windows (platform_id, kind, seconds)"
        " SELECT %s, kind, seconds FROM unnest(%s::text[], %s::integer[]) AS k (kind, seconds)",
        (platform_id, list(windows), list(windows.values())),
    )


async def find_windows(connection: Connection, platform_id: UUID) -> dict[Kind, int]:
    """Read a platform's windows, in seconds by kind."""
    cursor = await connection.execute(
        "SELECT kind, seconds FROM messaging_windows WHERE platform_id = %s ORDER BY kind", (platform_id,)
    )
    return {Kind(kind): seconds async for kind, seconds in cursor}
