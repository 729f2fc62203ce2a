"""Measures what waits in pricing's database."""

from services.chassis.database import Database
from services.chassis.measures import tell_overdue
from services.pricing.store import measures as store

_MOST_READ = 10_000


class Measures:
    """Run by a timer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """Measure; returns for how many timers something waits, due or not."""
        async with self._database.read() as connection:
            oldest = await store.find_oldest_due(connection, _MOST_READ)
        tell_overdue(oldest)
        return sum(due_at is not None for due_at in oldest.values())
