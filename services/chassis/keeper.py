"""The keeper: looks after partitions and statistics, and measures what waits: unsent events and parked keys."""

from datetime import UTC, datetime, timedelta

from services.chassis import inbox_rows, metrics, outbox, partitions, statistics
from services.chassis.database import Database

_MAINTAIN = timedelta(hours=1)


class Keeper:
    """Run by a timer every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._maintained = datetime.min.replace(tzinfo=UTC)

    async def run_once(self) -> int:
        """Look after partitions (once an hour) and statistics, and measure; returns the number of events not sent."""
        now = datetime.now(UTC)
        if now - self._maintained > _MAINTAIN:
            # not on the pool: where a table is dropped psycopg has the server forget all that is prepared
            async with self._database.direct() as connection:
                await partitions.keep_partitions(connection, now.date())
            self._maintained = now
        async with self._database.read() as connection:
            await statistics.renew(connection)
            count, oldest = await outbox.unsent(connection)
            metrics.OUTBOX_BYTES.set(await outbox.size(connection))
            metrics.PARKED_KEYS.set(await inbox_rows.count_parked_keys(connection))
        metrics.OUTBOX_UNSENT.set(count)
        metrics.OUTBOX_AGE.set((now - oldest).total_seconds() if oldest else 0)
        return count
