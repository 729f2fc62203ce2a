"""How long a call may wait in a queue before it is begun: what would wait longer is told so while it costs nothing."""

import math
import time
from contextvars import ContextVar

from services.chassis.errors import Rejected

QUEUE_SECONDS = 10.0
"""Nobody's call waits longer than about this for its turn; what is taken on before that is decided."""
_SHORTEST_SECONDS = 1.0

_until: ContextVar[float | None] = ContextVar("until", default=None)


def enter(seconds: float) -> None:
    """Begin a call whose caller waits for so many seconds. Work of our own, which nobody waits for, does not say so."""
    _until.set(time.monotonic() + seconds)


def shorten(seconds: float) -> None:
    """Have the call under way, if it has a caller that waits, wait no longer than so many seconds from now."""
    until = _until.get()
    if until is not None:
        _until.set(min(until, time.monotonic() + seconds))


def left() -> float:
    """Tell for how many seconds the caller of the call under way waits still; endless where there is none."""
    until = _until.get()
    return math.inf if until is None else until - time.monotonic()


def refusal(oldest: float) -> Rejected | None:
    """Refuse the call under way where one like it has waited for too long and is not begun yet; None where it may wait.

    It may wait for QUEUE_SECONDS, and no longer than its caller does. `oldest` is since when that one waits, in seconds
    of time.monotonic.
    """
    until = _until.get()
    if until is None:
        return None
    now = time.monotonic()
    waited = now - oldest
    if waited < min(QUEUE_SECONDS, until - now):
        return None
    return Rejected("OVERLOADED", {"waiting_seconds": f"{waited:.1f}"}, retry_after=max(waited, _SHORTEST_SECONDS))
