"""How much of a limit is used: token buckets for rates, and counts of the last minute; time is an argument."""

from collections import deque

BURST_SECONDS = 2.0
"""So many seconds' worth of a rate may be used at once by whoever used nothing before."""
_KEPT_SECONDS = 60


class Bucket:
    """A token bucket: it fills at `rate` a second up to `room`, and what is done takes tokens out of it.

    More than the bucket can ever hold may be taken from a full one, and what is missing then is owed: so a bulk that is
    larger than a burst is possible, and costs no less than the same one by one. Within any span of t seconds at most
    room + rate * t tokens are taken, and one such bulk beyond. Times are in seconds, of one clock.
    """

    __slots__ = ("_at", "_tokens", "rate", "room")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self.room = rate * BURST_SECONDS
        self._tokens = self.room
        self._at = now

    def missing(self, count: float, now: float) -> float:
        """Tell in how many seconds so much can be taken; 0 where it can now."""
        if now > self._at:
            self._tokens = min(self.room, self._tokens + (now - self._at) * self.rate)
            self._at = now
        lacks = min(count, self.room) - self._tokens
        return lacks / self.rate if lacks > _ROUNDING else 0.0

    def take(self, count: float) -> None:
        """Take so much; `missing` was asked before, and said 0."""
        self._tokens -= count

    def change(self, rate: float, now: float) -> None:
        """Have another rate from now on; what was taken stays taken."""
        self.missing(0, now)
        owed = self.room - self._tokens
        self.rate, self.room = rate, rate * BURST_SECONDS
        self._tokens = self.room - owed


_ROUNDING = 1e-6
"""Of a token: what additions of floats may lose."""


class Recent:
    """Counts what happened in each of the last sixty seconds."""

    __slots__ = ("_last", "_seconds")

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()
        self._last = [-1, 0]
        """The newest second and its count; it is in the queue too, once there is one."""

    def add(self, count: int, now: float) -> None:
        """Count what happens now."""
        last, second = self._last, int(now)
        if last[0] == second:
            last[1] += count
            return
        self._forget(second)
        self._last = [second, count]
        self._seconds.append(self._last)

    def last_second(self, now: float) -> int:
        """Count what happened in the last whole second."""
        return sum(count for second, count in self._seconds if second == int(now) - 1)

    def last_minute(self, now: float) -> int:
        """Count what happened in the last sixty seconds, this one included."""
        self._forget(int(now))
        return sum(count for _, count in self._seconds)

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - _KEPT_SECONDS:
            self._seconds.popleft()
