"""Compares what a call proves itself with, so that the time it takes says nothing, and looks at its time."""

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime

WINDOW = 300
"""Seconds that a signed time may be away from ours, in both directions: as Slack's documents say, used for all."""
_SECONDS = re.compile(r"[1-9][0-9]{9}")
_MILLISECONDS = re.compile(r"[1-9][0-9]{12}")
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
"""The years 2000 and 2100: what is outside is no time that something happened at."""


def matches(given: str | None, expected: Iterable[str]) -> list[bool]:
    """Compare a value with each of those that would be right; all are compared, whichever is."""
    raw = _raw(given or "")
    return [hmac.compare_digest(raw, _raw(one)) and given is not None for one in expected]


def is_one_of(given: str | None, expected: Iterable[str]) -> bool:
    """Tell whether a value is one of those that would be right."""
    return any(matches(given, expected))


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_seconds(text: str | None) -> int | None:
    """Read a Unix time as services sign it: ten digits and nothing else."""
    return int(text) if text and _SECONDS.fullmatch(text) else None


def read_milliseconds(text: str | None) -> int | None:
    """Read a Unix time of thirteen digits, in milliseconds, as seconds."""
    return int(text) // 1000 if text and _MILLISECONDS.fullmatch(text) else None


def is_recent(seconds: int | None, now: datetime, behind: int = WINDOW, ahead: int = WINDOW) -> bool:
    """Tell whether a time is at most so many seconds behind ours or ahead of it."""
    return seconds is not None and -ahead <= now.timestamp() - seconds <= behind


def moment(seconds: float | None) -> datetime | None:
    """Make the time that a service says something happened at; None where it says none."""
    if seconds is None or not _EARLIEST <= seconds <= _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
