"""The only source of time, in UTC, asked for a platform: a test platform's clock may be ahead."""

from datetime import UTC, datetime, timedelta
from uuid import UUID


class Clock:
    """The machine's time plus what a platform's clock is ahead."""

    def __init__(self) -> None:
        self._ahead: dict[UUID, timedelta] = {}

    def now(self, platform_id: UUID | None = None) -> datetime:
        """Tell the time for a platform, or the machine's own."""
        ahead = self._ahead.get(platform_id) if platform_id else None
        return self._machine() + ahead if ahead else self._machine()

    def latest(self) -> datetime:
        """Tell the time of the platform whose clock is furthest ahead: nothing due anywhere is later."""
        return self._machine() + max(self._ahead.values(), default=timedelta())

    def ahead(self) -> dict[UUID, datetime]:
        """Tell the time of each platform whose clock is ahead; the others have the machine's."""
        now = self._machine()
        return {platform_id: now + ahead for platform_id, ahead in self._ahead.items() if ahead}

    def set_ahead(self, platform_id: UUID, ahead: timedelta) -> None:
        """Set how far a platform's clock is ahead; ValueError if it would go backwards."""
        if ahead < self._ahead.get(platform_id, timedelta()):
            raise ValueError("a clock cannot go backwards")
        self._ahead[platform_id] = ahead

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
