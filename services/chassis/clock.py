"""The only source of time, in UTC, asked for a platform: the clock of a test twin may be ahead."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID


class Clock:
    """The machine's time plus what a platform's clock is ahead."""

    def __init__(self) -> None:
        self._ahead: dict[UUID, timedelta] = {}
        self._moves = 0
        self._moved = asyncio.Event()

    def now(self, platform_id: UUID | None = None) -> datetime:
        """Tell the time for a platform, or the machine's own."""
        ahead = self._ahead.get(platform_id) if platform_id else None
        return self._machine() + ahead if ahead else self._machine()

    def lead(self, platform_id: UUID) -> timedelta:
        """Tell how far a platform's clock is ahead of the machine's."""
        return self._ahead.get(platform_id, timedelta())

    def ahead(self) -> dict[UUID, datetime]:
        """Tell the time of each platform whose clock is ahead; the others have the machine's."""
        now = self._machine()
        return {platform_id: now + ahead for platform_id, ahead in self._ahead.items()}

    def set_ahead(self, platform_id: UUID, ahead: timedelta) -> None:
        """Set how far a platform's clock is ahead. It never goes backwards: less than before changes nothing."""
        if ahead > self._ahead.get(platform_id, timedelta()):
            self._ahead[platform_id] = ahead
            self._tell()

    def keep_only(self, ahead: Mapping[UUID, timedelta], known: Collection[UUID]) -> None:
        """Set the clocks of all platforms that have one; forget those of others, which nobody asks for any more.

        `known` are those that were known before it was asked which have one: a clock that was moved first since then
        is not among what was found, and stays.
        """
        for platform_id in self._ahead.keys() & (set(known) - ahead.keys()):
            del self._ahead[platform_id]
        for platform_id, own in ahead.items():
            self.set_ahead(platform_id, own)

    @property
    def moves(self) -> int:
        """How often a platform's clock was moved."""
        return self._moves

    async def moved(self, since: int, seconds: float) -> None:
        """Wait until there are more moves than there were, at most some seconds."""
        if self._moves == since:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._moved.wait()

    def _tell(self) -> None:
        self._moves += 1
        self._moved.set()
        self._moved = asyncio.Event()

    def _machine(self) -> datetime:
        return datetime.now(UTC)


class ManualClock(Clock):
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._at = start

    def move(self, by: timedelta) -> None:
        """Move the machine's time."""
        self._at += by

    def _machine(self) -> datetime:
        return self._at
