"""Measures what waits in notification's database."""

from collections.abc import Sequence

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.measures import MOST_COUNTED, tell_overdue
from services.notification import metrics
from services.notification.store import measures as store


class Measures:
    """Run by a timer."""

    def __init__(self, database: Database, clock: Clock, channels: Sequence[str]) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels

    async def run_once(self) -> int:
        """Measure; returns how many messages are due."""
        async with self._database.read() as connection:
            due = await store.count_due(connection, self._channels, self._clock.now(), MOST_COUNTED)
            fanout, joins = await store.find_oldest_due(connection)
        for channel, (number, _) in due.items():
            metrics.DUE.labels(channel).set(number)
        oldest = min((at for _, at in due.values() if at), default=None)
        tell_overdue({"sender": oldest, "fan-out": fanout, "joins": joins})
        return sum(number for number, _ in due.values())
