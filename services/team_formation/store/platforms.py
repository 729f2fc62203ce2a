"""Platforms, as operators see them."""

from dataclasses import dataclass
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class PlatformRow:
    """One platform in a list."""

    platform_id: UUID
    name: str
    suspended: bool
    suspension_reason: str
    key_ids: list[str]


async def list_platforms(connection: AsyncConnection[TupleRow]) -> list[PlatformRow]:
    """List platforms by name, with the public parts of their keys."""
    cursor = await connection.execute(
        "SELECT p.platform_id, p.name, p.suspended, p.suspension_reason,"
        " array_remove(array_agg(k.key_id ORDER BY k.key_id), NULL)"
        " FROM platforms AS p LEFT JOIN platform_keys AS k USING (platform_id)"
        " GROUP BY p.platform_id ORDER BY p.name, p.platform_id"
    )
    return [PlatformRow(*row) async for row in cursor]
