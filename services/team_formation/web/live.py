"""Keeps what hot pages show at hand: a team that is looked at is followed for a while, and a look costs no query."""

import asyncio
import time
from collections.abc import AsyncGenerator
from uuid import UUID

from services.chassis.errors import Rejected
from services.team_formation.watch import Hub
from services.team_formation.web.shown import Shown

STALE_SECONDS = 5.0
"""A team that has ended may still change (money that does not come): it is read again after so long."""
IDLE_SECONDS = 60.0
"""A team that nobody looked at for so long is followed no more."""
TIDY_SECONDS = 10.0
MOST = 20_000
"""Teams followed at once; of more, those looked at longest ago are given up."""


class _Follower:
    """One team, as it stands now."""

    __slots__ = ("_first", "ended_at", "shown", "task", "used_at")

    def __init__(self, states: AsyncGenerator[Shown, None]) -> None:
        self.shown: Shown | None = None
        self.ended_at = 0.0
        self.used_at = time.monotonic()
        self._first: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._follow(states), name="follower")

    async def first(self) -> Shown:
        """Wait until it is loaded; raises what the load did."""
        return await asyncio.shield(self._first)

    async def _follow(self, states: AsyncGenerator[Shown, None]) -> None:
        try:
            async for shown in states:
                self.shown = shown
                if not self._first.done():
                    self._first.set_result(shown)
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait
            self.shown = None
            self._fail(error)
        finally:
            self.ended_at = time.monotonic()
            self._fail(Rejected("UNAVAILABLE", {"cause": "the page is not followed any more"}))

    def _fail(self, error: Exception) -> None:
        if not self._first.done():
            self._first.set_exception(error)
            self._first.exception()  # nobody may be waiting

    @property
    def is_stale(self) -> bool:
        """Whether it follows no more, and what it has is not to be shown any longer."""
        return self.task.done() and (self.shown is None or time.monotonic() - self.ended_at > STALE_SECONDS)


class Live:
    """Teams as they stand, for pages."""

    def __init__(self, hub: Hub[str, Shown]) -> None:
        self._hub = hub
        self._followed: dict[tuple[UUID, str], _Follower] = {}

    def at_hand(self, platform_id: UUID, team: str) -> Shown | None:
        """Give a team that is followed already; None where it has to be waited for."""
        follower = self._followed.get((platform_id, team))
        if follower is None or follower.is_stale:
            return None
        follower.used_at = time.monotonic()
        return follower.shown

    async def now(self, platform_id: UUID, team: str) -> Shown:
        """Give a team as it stands; Rejected TEAM_UNKNOWN, or whatever its load raised."""
        name = platform_id, team
        follower = self._followed.get(name)
        if follower is None or follower.is_stale:
            self._followed[name] = follower = _Follower(self._hub.follow(platform_id, team, 0))
            self._bound()
        follower.used_at = time.monotonic()
        return follower.shown or await follower.first()

    def after(self, platform_id: UUID, team: str, version: int, turn: int) -> AsyncGenerator[Shown, None]:
        """Give a team at once where it is newer than a version and turn, then after changes, until it has ended."""
        return self._hub.follow(platform_id, team, version, turn)

    async def run(self) -> None:
        """Give up what nobody looks at, for as long as the process runs."""
        try:
            while True:
                await asyncio.sleep(TIDY_SECONDS)
                self.tidy(IDLE_SECONDS)
        finally:
            self.tidy(0)

    def tidy(self, idle: float) -> None:
        """Give up the teams that nobody looked at for as many seconds."""
        limit = time.monotonic() - idle
        for name in [name for name, follower in self._followed.items() if follower.used_at <= limit]:
            self._followed.pop(name).task.cancel()

    def _bound(self) -> None:
        if len(self._followed) > MOST:
            oldest = sorted(self._followed, key=lambda name: self._followed[name].used_at)
            for name in oldest[: MOST // 10]:
                self._followed.pop(name).task.cancel()
