"""When keys were last seen: gathered in memory, written about once a minute, never while a call waits."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from services.chassis import arrays
from services.chassis.database import Database
from services.chassis.platforms import KeyRing

FLUSH_SECONDS = 60.0
STOP_SECONDS = 2.0


class KeyUses:
    """Writes which keys were used, run by a timer and once more when the process ends."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def run_once(self) -> int:
        """Write the uses since the last time; returns of how many keys. What cannot be written is tried again."""
        uses = self._keys.take_uses()
        if not uses:
            return 0
        try:
            async with self._database.work() as work:
                await save_uses(work.connection, sorted(uses), datetime.now(UTC))
        except BaseException:
            self._keys.put_back(uses)
            raise
        return len(uses)

    async def stop(self) -> None:
        """Write what is left, if that can be done at once: a process that ends does not wait for it."""
        with suppress(psycopg.Error, PoolTimeout, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.run_once()


async def save_uses(connection: AsyncConnection[TupleRow], uses: list[tuple[UUID, str]], at: datetime) -> None:
    """Note that keys, in order, were used; a later use that another process has noted stays."""
    await connection.execute(
        "INSERT INTO key_uses (platform_id, key_id, last_used_at)"
        " SELECT u.platform_id, u.key_id, %s FROM unnest(%s::uuid[], %s::text[]) AS u (platform_id, key_id)"
        " ON CONFLICT (platform_id, key_id) DO UPDATE SET last_used_at = excluded.last_used_at"
        " WHERE key_uses.last_used_at < excluded.last_used_at",
        (at, arrays.uuids(platform for platform, _ in uses), arrays.texts(key_id for _, key_id in uses)),
    )


async def list_uses(connection: AsyncConnection[TupleRow], platform_id: UUID) -> dict[str, datetime]:
    """Tell when keys of a platform were last seen by this service."""
    cursor = await connection.execute(
        "SELECT key_id, last_used_at FROM key_uses WHERE platform_id = %s ORDER BY key_id", (platform_id,)
    )
    return {key_id: at async for key_id, at in cursor}
