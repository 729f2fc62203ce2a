"""Platforms, as operators see them."""

from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def list_platforms(connection: AsyncConnection[TupleRow]) -> list[tuple[UUID, str, list[str]]]:
    """List platforms by name: id, name, public parts of the keys."""
    cursor = await connection.execute(
        "SELECT p.platform_id, p.name, array_remove(array_agg(k.key_id ORDER BY k.key_id), NULL)"
        " FROM platforms AS p LEFT JOIN platform_keys AS k USING (platform_id)"
        " GROUP BY p.platform_id, p.name ORDER BY p.name, p.platform_id"
    )
    return [(platform_id, name, keys) async for platform_id, name, keys in cursor]
