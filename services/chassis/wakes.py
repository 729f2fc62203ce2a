"""Wake-up calls of the outbox: something was committed to this database, by whichever process."""

import asyncio
from collections.abc import AsyncIterator

import psycopg

from services.chassis import logs
from services.chassis.database import Database
from services.chassis.outbox import WAKE_CHANNEL

RETRY_SECONDS = 1.0

log = logs.logger(__name__)


async def wakes(database: Database, every: float) -> AsyncIterator[None]:
    """Yield at once, then after each commit that told something, and at least `every` seconds; for ever.

    Polling is the fallback where a pooler swallows notifications; a lost connection is made again.
    """
    while True:
        try:
            async with database.direct() as connection:
                await connection.execute(f"LISTEN {WAKE_CHANNEL}")
                while True:
                    yield
                    async for _ in connection.notifies(timeout=every, stop_after=1):
                        pass
        except (psycopg.Error, OSError) as error:
            log.warning("wake-up calls wait", why=str(error).strip(), retry_in_seconds=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
