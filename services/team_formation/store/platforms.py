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
    twin_id: UUID | None
    twin_key_ids: list[str]


async def list_platforms(connection: AsyncConnection[TupleRow]) -> list[PlatformRow]:
    """List platforms by name, with their test twins and the public parts of keys."""
    cursor = await connection.execute(
        "SELECT p.platform_id, p.name, p.suspended, p.suspension_reason, ARRAY (SELECT k.key_id FROM platform_keys AS k"
        " WHERE k.platform_id = p.platform_id ORDER BY k.key_id), t.platform_id, ARRAY (SELECT k.key_id FROM"
        " platform_keys AS k WHERE k.platform_id = t.platform_id ORDER BY k.key_id) FROM platforms AS p"
        " LEFT JOIN platforms AS t ON t.test_of = p.platform_id AND t.retired_at IS NULL"
        " WHERE p.test_of IS NULL ORDER BY p.name, p.platform_id"
    )
    return [PlatformRow(*row) async for row in cursor]
