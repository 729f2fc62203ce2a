"""Keeps what hot pages show at hand: what is looked at is followed for a while, and a look costs no query."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar
from uuid import UUID

from services.chassis.errors import Rejected
from services.team_formation.watch import Hub

STALE_SECONDS = 5.0
"""A team that has ended may still change (money that does not come): it is read again after so long."""
IDLE_SECONDS = 60.0
"""What nobody looked at for so long is followed no more."""
TIDY_SECONDS = 10.0
MOST = 20_000
"""Teams, or campaigns, followed at once; of more, those looked at longest ago are given up."""

Key = TypeVar("Key")
Body = TypeVar("Body")


class _Follower(Generic[Body]):
    """One thing, as it stands now."""

    __slots__ = ("_first", "ended_at", "shown", "task", "used_at")

    def __init__(self, states: AsyncGenerator[Body, None]) -> None:
        self.shown: Body | None = None
        self.ended_at = 0.0
        self.used_at = time.monotonic()
        self._first: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._follow(states), name="follower")

    async def first(self) -> Body:
        """Wait until it is loaded; raises what the load did."""
        return await asyncio.shield(self._first)

    async def _follow(self, states: AsyncGenerator[Body, None]) -> None:
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


class Live(Generic[Key, Body]):
    """Teams or campaigns as they stand, for pages."""

    def __init__(self, hub: Hub[Key, Body]) -> None:
        self._hub = hub
        self._followed: dict[tuple[UUID, Key], _Follower[Body]] = {}

    def at_hand(self, platform_id: UUID, key: Key) -> Body | None:
        """Give what is followed already; None where it has to be waited for."""
        follower = self._followed.get((platform_id, key))
        if follower is None or follower.is_stale:
            return None
        follower.used_at = time.monotonic()
        return follower.shown

    async def now(self, platform_id: UUID, key: Key) -> Body:
        """Give a thing as it stands; Rejected where it is unknown, or whatever its load raised."""
        name = platform_id, key
        follower = self._followed.get(name)
        if follower is None or follower.is_stale:
            self._followed[name] = follower = _Follower(self._hub.follow(platform_id, key, 0))
            self._bound()
        follower.used_at = time.monotonic()
        return follower.shown or await follower.first()

    def after(self, platform_id: UUID, key: Key, version: int, turn: int) -> AsyncGenerator[Body, None]:
        """Give a thing at once where it is newer than a version and turn, then after changes, until it has ended."""
        return self._hub.follow(platform_id, key, version, turn)

    async def run(self) -> None:
        """Give up what nobody looks at, for as long as the process runs."""
        try:
            while True:
                await asyncio.sleep(TIDY_SECONDS)
                self.tidy(IDLE_SECONDS)
        finally:
            self.tidy(0)

    def tidy(self, idle: float) -> None:
        """Give up what nobody looked at for as many seconds."""
        limit = time.monotonic() - idle
        for name in [name for name, follower in self._followed.items() if follower.used_at <= limit]:
            self._followed.pop(name).task.cancel()

    def _bound(self) -> None:
        if len(self._followed) > MOST:
            oldest = sorted(self._followed, key=lambda name: self._followed[name].used_at)
            for name in oldest[: MOST // 10]:
                self._followed.pop(name).task.cancel()
