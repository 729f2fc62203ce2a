"""Notes which cards in chats have to be looked at: it costs what changes, not what is followed.

Each process with pages reads which teams and campaigns have changed, as watchers do (`watch/tail.py`), once a second at
most. A card knows the versions that it was looked at with, so what one process has seen to is no work for the others.
"""

import asyncio
from collections.abc import Collection
from uuid import UUID

import psycopg

from services.chassis import ids, logs
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.outbox import WAKE_CHANNEL as OUTBOX
from services.team_formation import translate
from services.team_formation.chats.noting import WAKE_CHANNEL
from services.team_formation.store import chat_moves as moves
from services.team_formation.watch.tail import SLACK_OF_TURNS, Tail, TurnedPrices

GATHER_SECONDS = 0.5
POLL_SECONDS = 1.0
_MOST_KNOWN = 10_000

log = logs.logger(__name__)


class Marker:
    """Hears of changes, and has cards looked at."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tail = Tail()
        self._turned = TurnedPrices(clock)
        self._sold_out: dict[UUID, int] = {}

    async def run(self) -> None:
        """Hear of changes for as long as the process runs."""
        async for _ in self._database.wakes.calls(OUTBOX, POLL_SECONDS):
            try:
                await self.run_once()
            except psycopg.Error as error:
                self.forget()  # what was heard and not noted is found by the versions
                log.warning("changes for cards in chats were not noted", why=str(error).strip())
            await asyncio.sleep(GATHER_SECONDS)

    def forget(self) -> None:
        """Begin anew."""
        self._tail.forget()
        self._turned.forget()

    async def run_once(self) -> int:
        """Hear what changed since the last time; returns how many cards have to be looked at for it."""
        async with self._database.read() as connection:
            if not await moves.has_previews(connection):
                self.forget()
                return 0
            fresh = await self._tail.look(connection)
            turned = await self._turned.look(connection)
            moved = await self._noted(connection, fresh, turned)
        if moved:
            self._database.wakes.ring(WAKE_CHANNEL)
        return moved

    async def _noted(self, connection: Connection, fresh: Collection[str] | None, turned: set[UUID]) -> int:
        now = self._clock.now()
        if fresh is None:
            return await moves.move_behind(connection, SLACK_OF_TURNS, now)
        at = self._tail.last_of
        teams = [(*pair, at(key)) for key in fresh if (pair := _pair(key))]
        campaigns = [(found[0], at(key)) for key in fresh if (found := ids.parse(translate.CAMPAIGN, key, 1))]
        moved = 0
        if teams:
            moved += await moves.move_teams(connection, teams, now)
        if campaigns:
            moved += await moves.move_campaigns(connection, campaigns, now)
        if turned:
            moved += await moves.move_prices(connection, sorted(turned), now)
        touched = {one for one, *_ in teams} | {one for one, _ in campaigns}
        if sold := await self._sold(connection, touched):
            moved += await moves.move_stock(connection, sold, now)
        return moved

    async def _sold(self, connection: Connection, campaigns: Collection[UUID]) -> list[tuple[UUID, int]]:
        """Count what is sold out of campaigns with stock, and give those of which it is not as it was."""
        if not campaigns:
            return []
        found = await moves.count_sold_out(connection, sorted(campaigns))
        if len(self._sold_out) + len(found) > _MOST_KNOWN:
            self._sold_out.clear()
        changed = [(one, count) for one, count in found.items() if self._sold_out.get(one) != count]
        self._sold_out |= found
        return changed


def _pair(key: str) -> tuple[UUID, UUID] | None:
    """Read a team's key: its campaign, and the team."""
    found = ids.parse(translate.TEAM, key, 2)
    return (found[0], found[1]) if found else None
