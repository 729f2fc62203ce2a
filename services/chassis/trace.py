"""The trace context of the work under way, carried in W3C `traceparent` form through calls, rows and records.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/.
"""

import random
import re
from contextvars import ContextVar

HEADER = "traceparent"
_HALF = 2**64 - 1
_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def new_traceparent() -> str:
    """Start a trace."""
    number = random.getrandbits(192) | 1 << 64 | 1  # neither part of it may be zero
    return f"00-{number >> 64:032x}-{number & _HALF:016x}-01"


def enter(traceparent: str | None) -> str:
    """Make a caller's trace the current one, or start one where the caller has none; returns it."""
    value = traceparent if traceparent and _FORM.fullmatch(traceparent) else new_traceparent()
    _current.set(value)
    return value


def current() -> str:
    """Tell the current traceparent, or an empty string."""
    return _current.get()


def trace_id() -> str:
    """Tell the current trace id, or an empty string."""
    return _current.get()[3:35]
