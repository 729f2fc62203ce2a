"""Rules of posting events to a platform's endpoints: which are wanted, when one is tried again, when it is over.

Source of the times between attempts: the Standard Webhooks specification, "Deliverability and reliability".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeAlias

WAITS: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""From each failed attempt to the next: ten attempts in a little more than three days."""
JITTER = 0.2
"""A wait is up to so much longer, by chance: what failed together does not come back together."""
LONGEST_REST = timedelta(hours=1)
"""Of an endpoint, however long it asks for."""
ANSWER_BYTES = 500
"""Of an answer that are kept."""
MOST_PATTERNS = 50
_LONGEST_PATTERN = 100
_GONE = 410
_BUSY = {429, 503}


class PostState(StrEnum):
    """How a post stands."""

    PENDING = "PENDING"
    TAKEN = "TAKEN"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of an attempt: an HTTP status with the answer's beginning, or 0 and why there was no answer."""

    status: int
    answer: str = ""
    problem: str = ""
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the endpoint took the event (2xx)."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 section 15.3

    @property
    def said(self) -> str:
        """Say what came of it in a few words, without an address."""
        return f"HTTP {self.status}" if self.status else "no answer"


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """It was taken, or is given up; `disable` says why the whole endpoint is told nothing any more."""

    state: PostState
    disable: str = ""


Follows: TypeAlias = Again | Over


def follows(
    posted: Posted, attempts: int, first_at: datetime, last_success_at: datetime | None, now: datetime, jitter: float
) -> Follows:
    """Decide what follows from the `attempts`-th attempt of a post; `jitter` is chance from 0 to 1.

    An endpoint that says 410 is gone, at once. One that took nothing at all from a post's first attempt to its last is
    disabled; where it took others, only this post is given up.
    """
    if posted.taken:
        return Over(PostState.TAKEN)
    if posted.status == _GONE:
        return Over(PostState.FAILED, "it answered HTTP 410: it is gone")
    if attempts > len(WAITS):
        dead = last_success_at is None or last_success_at < first_at
        days = (now - first_at) / timedelta(days=1)
        why = f"nothing was taken for {days:.1f} days; the last time: {posted.said}" if dead else ""
        return Over(PostState.FAILED, why)
    wait = WAITS[attempts - 1] * (1 + JITTER * jitter)
    return Again(now + max(wait, posted.retry_after or timedelta()))


def rest_after(posted: Posted, now: datetime) -> datetime | None:
    """Tell until when a whole endpoint rests: where it is too busy (429, 503) and says for how long."""
    if posted.status in _BUSY and posted.retry_after:
        return now + min(posted.retry_after, LONGEST_REST)
    return None


def matching(patterns: Collection[str], types: Sequence[str]) -> list[str]:
    """Give the types that one of the patterns means, in their order; * stands for any text."""
    return [name for name in types if any(fnmatchcase(name, pattern) for pattern in patterns)]


def patterns_problem(patterns: Sequence[str], types: Sequence[str]) -> str | None:
    """Say what is wrong with patterns, the first that means no type or is written with more than letters, dots, *."""
    if len(patterns) > MOST_PATTERNS:
        return f"must be at most {MOST_PATTERNS} names or patterns"
    for pattern in patterns:
        plain = pattern.replace("*", "").replace(".", "").replace("_", "")
        if (
            len(pattern) > _LONGEST_PATTERN
            or (plain and not (plain.isascii() and plain.isalpha()))
            or not matching([pattern], types)
        ):
            words = ", ".join(sorted({f"{name.partition('.')[0]}.*" for name in types}))
            return f"{pattern[:60]!r} means no event; there are {words}, and docs/webhooks.md has them all"
    return None
