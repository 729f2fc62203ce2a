"""The rows of what operators set for platforms, a limit each; every service has a copy."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.database import Database


async def save_limits(connection: AsyncConnection[TupleRow], platform_id: UUID, limits: Mapping[str, int]) -> None:
    """Save what is set for a platform, in place of what was."""
    await connection.execute("DELETE FROM platform_limits WHERE platform_id = %s", (platform_id,))
    for name, value in sorted(limits.items()):
        await connection.execute(
            "INSERT INTO platform_limits (platform_id, name, value) VALUES (%s, %s, %s)", (platform_id, name, value)
        )


async def find_limits(
    connection: AsyncConnection[TupleRow], platform_ids: list[UUID]
) -> Mapping[UUID, Mapping[str, int]]:
    """Read what is set for platforms; those without anything are missing."""
    cursor = await connection.execute(
        "SELECT platform_id, name, value FROM platform_limits WHERE platform_id = ANY(%s)", (platform_ids,)
    )
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    async for platform_id, name, value in cursor:
        found[platform_id][name] = value
    return found


class LimitReader:
    """Reads what is set for platforms from a service's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, platform_ids: list[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        """Read it; those without anything are missing."""
        async with self._database.read() as connection:
            return await find_limits(connection, platform_ids)
