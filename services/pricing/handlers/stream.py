"""Streams a platform's settlements from a cursor on: in the order of commits, and no late commit is skipped."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from uuid import UUID

from services.chassis.database import Connection, Database
from services.chassis.horizon import Horizon
from services.chassis.wakes import Bell
from services.pricing import store
from services.pricing.handlers.told import WAKE_CHANNEL
from services.pricing.translate import Settled

POLL_SECONDS = 1.0
IN_FLIGHT_SECONDS = 0.05
"""Between two looks while transactions under way hide something."""
_PAGE = 1_000
_SPANS = 100


class Place(NamedTuple):
    """How far a reader is: a position of the feed, and the last number of it that was read."""

    position: int = 0
    sequence: int = 0


class SettlementStream:
    """The readers of this process; they share one look at how far it is safe to read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._horizon = Horizon("settlement_feed_position_seq")
        self._look = asyncio.Lock()
        self._bells: set[Bell] = set()
        self._stopped = False

    async def follow(self, platform_id: UUID, place: Place) -> AsyncIterator[tuple[Place, Settled]]:
        """Give what was committed after a place, and wait for more until the process stops."""
        with self._database.wakes.listening(WAKE_CHANNEL) as bell:
            self._bells.add(bell)
            try:
                while not self._stopped:
                    found, hidden = await self.read(platform_id, place)
                    for one in found:
                        yield one
                    if found:
                        place = found[-1][0]
                    else:
                        await bell.rung(IN_FLIGHT_SECONDS if hidden else POLL_SECONDS)
            finally:
                self._bells.discard(bell)

    async def read(self, platform_id: UUID, place: Place) -> tuple[list[tuple[Place, Settled]], bool]:
        """Read a page after a place; tells too whether transactions under way may hide something."""
        async with self._database.read() as connection:
            hidden = await self._advance(connection)
            spans = await store.read_feed(connection, platform_id, place.position, self._horizon.safe, _SPANS)
            page = _some(spans, place)
            if not page:
                return [], hidden
            parts = [span for _, span in page]
            lines = await store.load_lines_of(connection, parts)
            numbers = [span[:4] for span in parts]
            reports = await store.load_reports_of(connection, numbers)
            payments = await store.load_payment_facts_of(connection, numbers)
        return _in_order(page, [*lines, *reports, *payments], place), hidden

    async def stop(self) -> None:
        """End every stream, so that the readers come back to another replica."""
        self._stopped = True
        for bell in self._bells:
            bell.ring()

    async def _advance(self, connection: Connection) -> bool:
        async with self._look:
            [found] = await (await self._horizon.look(connection)).all()
            return self._horizon.advance(*found)


def _some(spans: Sequence[tuple[int, store.Span]], place: Place) -> list[tuple[int, store.Span]]:
    """Give the first spans with something after a place: as many as make a page, at least one."""
    page: list[tuple[int, store.Span]] = []
    size = 0
    for position, span in spans:
        if position == place.position and span.last_sequence <= place.sequence:
            continue
        size += span.last_sequence - span.first_sequence + 1
        if page and size > _PAGE:
            break
        page.append((position, span))
    return page


def _in_order(
    page: Sequence[tuple[int, store.Span]], items: Sequence[Settled], place: Place
) -> list[tuple[Place, Settled]]:
    numbered = {(item.campaign_id, item.team_id, item.sequence): item for item in items}
    found = [
        (Place(position, sequence), numbered.get((span.campaign_id, span.team_id, sequence)))
        for position, span in page
        for sequence in range(span.first_sequence, span.last_sequence + 1)
    ]
    return [(at, item) for at, item in found if item and at > place]
