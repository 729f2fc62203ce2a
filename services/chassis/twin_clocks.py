"""Keeps the clock of a process as far ahead, for each test twin, as the service's database says."""

from datetime import timedelta
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.status import transient

CHANNEL = "twin_clocks"
"""Called after a commit that moves a twin's clock."""
LOOK_SECONDS = 1.0
"""A call may be lost: so often a process looks anyway."""

log = logs.logger(__name__)


class TwinClocks:
    """The part of every process that learns of clocks which were moved, in whichever process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def start(self) -> None:
        """Look once before anything is decided; without a database nothing can be."""
        await self._look()

    async def run(self) -> None:
        """Look after each call, and once a second, for ever."""
        async for _ in self._database.wakes.calls(CHANNEL, LOOK_SECONDS):
            await self._look()

    async def learn(self) -> None:
        """Set the clock by what the database says."""
        known = self._clock.ahead().keys()
        async with self._database.read() as connection:
            self._clock.keep_only(await _find_ahead(connection), known)

    async def _look(self) -> None:
        try:
            await self.learn()
        except Exception as error:
            if not (cause := transient(error)):
                raise
            log.warning("clocks of twins are not known", cause=cause, why=str(error).strip())


async def _find_ahead(connection: AsyncConnection[TupleRow]) -> dict[UUID, timedelta]:
    """Find how far clocks are ahead, of all twins whose clock is and that are not given up."""
    cursor = await connection.execute(
        "SELECT platform_id, clock_ahead FROM platforms WHERE clock_ahead > 0 AND retired_at IS NULL"
    )
    return {platform_id: timedelta(microseconds=ahead) async for platform_id, ahead in cursor}
