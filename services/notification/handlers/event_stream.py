"""Streams what happens on a platform from a cursor on: in the order of commits, and no late commit is skipped."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected
from services.chassis.horizon import Horizon
from services.chassis.wakes import Bell
from services.notification import store
from services.notification.handlers.platform_events import KEPT
from services.notification.store import EventRow

POLL_SECONDS = 1.0
IN_FLIGHT_SECONDS = 0.05
"""Between two looks while transactions under way hide something."""
ALIVE = timedelta(seconds=15)
LONGEST = timedelta(hours=1)
"""Of one stream: then the reader comes again, and shows its key."""
MOST_STREAMS = 10
"""Of one platform in one process."""
_CONNECTIONS = 2
"""To the database, for all streams."""
_PAGE = 500
_TOUCH = timedelta(hours=1)


class Place(NamedTuple):
    """How far a reader is, and when that was."""

    position: int
    at: datetime

    def is_old(self, now: datetime) -> bool:
        """Whether events after it may be forgotten."""
        return self.at < now - KEPT


class Streamed(NamedTuple):
    """An event with the place to go on from after it; without one it is a sign of life."""

    place: Place
    event: EventRow | None


class EventStream:
    """The readers of this process; they share a horizon, and two connections."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._horizon = Horizon("platform_events_position_seq")
        self._look = asyncio.Lock()
        self._room = asyncio.Semaphore(_CONNECTIONS)
        self._open: Counter[UUID] = Counter()
        self._bells: set[Bell] = set()
        self._stopped = False

    async def start(self, platform_id: UUID, *, from_start: bool) -> Place:
        """Find where a reader without a cursor begins: with what is kept, or with what happens from now on."""
        now = self._clock.now()
        async with self._database.read() as connection:
            await store.save_reader(connection, platform_id, now)
            if from_start:
                return Place(0, now)
            drawn, _ = await self._advance(connection)
            return Place(drawn, now)

    async def follow(self, platform_id: UUID, place: Place, types: Sequence[str]) -> AsyncIterator[Streamed]:
        """Give what was committed after a place, and wait for more until the process stops."""
        opened = touched = alive = self._clock.now()
        await self._touch(platform_id, touched)
        yield Streamed(place, None)
        with self._database.wakes.listening(store.EVENTS_WAKE_CHANNEL) as bell:
            self._bells.add(bell)
            try:
                while not self._stopped and place.at < opened + LONGEST:
                    rows, place, hidden = await self._read(platform_id, place, types)
                    for row in rows:
                        yield Streamed(Place(row.position, place.at), row)
                    if place.at - touched >= _TOUCH:
                        touched = place.at
                        await self._touch(platform_id, touched)
                    if not rows and place.at - alive >= ALIVE:
                        alive = place.at
                        yield Streamed(place, None)
                    if not rows:
                        await bell.rung(IN_FLIGHT_SECONDS if hidden else POLL_SECONDS)
            finally:
                self._bells.discard(bell)

    def enter(self, platform_id: UUID) -> None:
        """Count a stream that opens; Rejected TOO_MANY_STREAMS. `leave` follows."""
        if self._open[platform_id] >= MOST_STREAMS:
            raise Rejected("TOO_MANY_STREAMS", {"limit": str(MOST_STREAMS)})
        self._open[platform_id] += 1

    def leave(self, platform_id: UUID) -> None:
        """Count a stream that ended."""
        self._open[platform_id] -= 1
        if not self._open[platform_id]:
            del self._open[platform_id]

    async def _read(self, platform_id: UUID, place: Place, types: Sequence[str]) -> tuple[list[EventRow], Place, bool]:
        """Read a page after a place; gives the place after it, and whether transactions under way may hide more."""
        now = self._clock.now()
        async with self._room, self._database.read() as connection:
            _, hidden = await self._advance(connection)
            until = self._horizon.safe
            rows = await store.read_events(connection, platform_id, place.position, until, types, _PAGE)
        reached = rows[-1].position if len(rows) == _PAGE else max(until, place.position)
        return rows, Place(reached, now), hidden

    async def stop(self) -> None:
        """End every stream, so that the readers come back to another replica."""
        self._stopped = True
        for bell in self._bells:
            bell.ring()

    async def _touch(self, platform_id: UUID, now: datetime) -> None:
        async with self._database.read() as connection:
            await store.save_reader(connection, platform_id, now)

    async def _advance(self, connection: Connection) -> tuple[int, bool]:
        """Look how far positions are drawn; gives that, and whether transactions under way hide some of them."""
        async with self._look:
            [found] = await (await self._horizon.look(connection)).all()
            return found[0], self._horizon.advance(*found)
