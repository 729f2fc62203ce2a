"""Keeps what happens on platforms that have endpoints or streams, in the transaction of the event."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.inbox import Handler
from services.chassis.messages import Event, Message
from services.chassis.work import Work
from services.notification import store
from services.notification.domain import matching
from services.notification.store import KeptEvent
from services.notification.translate import event_types, kept_events, kept_told

KEPT = timedelta(days=7)
_LONGER = timedelta(hours=2)
"""A reader is noted every hour: its events are kept for as long as its last cursor is good."""
_PAGE = 1_000


class PlatformEvents:
    """Keeps events. A platform that nobody reads for costs one look per batch."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def after(self, handler: Handler) -> Handler:
        """Make a topic's handler that keeps its events besides."""

        async def both(work: Work, events: list[Event]) -> None:
            kept = kept_events(events)
            asked = await store.ask_readers(work.connection, sorted({event.platform_id for event in kept}))
            readers = set(await asked.one())
            # before the handler: what follows from an event comes after it
            await _keep(work, [event for event in kept if event.platform_id in readers], self._clock.now())
            await handler(work, events)

        return both

    async def read_patterns_again(self) -> int:
        """Have endpoints' patterns mean the events of this release too; returns how many changed. Run by a timer."""
        async with self._database.work() as work:
            known = await store.list_patterns(work.connection)
            grown = [
                (key, sorted({*types, *now}))
                for key, patterns, types in known
                if not set(types) >= (now := set(matching(patterns, event_types())))
            ]
            await store.save_types(work.connection, grown)
        return len(grown)

    async def drop_old(self) -> int:
        """Forget what is older than seven days; returns how many, at most a page. Run by a timer."""
        before = self._clock.now() - KEPT
        async with self._database.work() as work:
            await store.drop_readers(work.connection, before - _LONGER)
            return await store.drop_events(work.connection, before, _PAGE)


async def tell(work: Work, told: Sequence[tuple[UUID, Message]], now: datetime) -> None:
    """Tell what happened here on platforms, and keep it for those that read."""
    if not told:
        return
    asked = await store.ask_readers(work.connection, sorted({platform_id for platform_id, _ in told}))
    for _, message in told:
        work.tell(message)
    readers = set(await asked.one())
    kept = [kept_told(message) for platform_id, message in told if platform_id in readers]
    await _keep(work, [event for event in kept if event], now)


async def keep(work: Work, events: Sequence[KeptEvent], now: datetime) -> None:
    """Keep what happened for those platforms that read, and tell nobody else: it is no event between the services."""
    if events:
        asked = await store.ask_readers(work.connection, sorted({event.platform_id for event in events}))
        readers = set(await asked.one())
        await _keep(work, [event for event in events if event.platform_id in readers], now)


async def _keep(work: Work, events: Sequence[KeptEvent], now: datetime) -> None:
    if events:
        await store.keep_events(work.connection, events, now)
        work.call(store.EVENTS_WAKE_CHANNEL)
