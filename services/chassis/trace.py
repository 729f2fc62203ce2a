"""The trace context of the work under way, carried in W3C `traceparent` form through calls, rows and records.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/. Its flag says whether a trace is recorded; spans are
made where it is (see spans.py), and what is stored keeps the context of such traces alone.
"""

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

HEADER = "traceparent"
RECORDED = "01"
_UNRECORDED = "00"
_HALF = 2**64 - 1
_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ODD = frozenset("13579bdf")
_current: ContextVar[str] = ContextVar("traceparent", default="")
_places: ContextVar[Sequence[str]] = ContextVar("places", default=())
_causes: ContextVar[dict[UUID, str] | None] = ContextVar("causes", default=None)


def new_traceparent(flags: str = _UNRECORDED) -> str:
    """Start a trace; it is not recorded unless its flags say so."""
    number = random.getrandbits(192) | 1 << 64 | 1  # neither part of it may be zero
    return f"00-{number >> 64:032x}-{number & _HALF:016x}-{flags}"


def is_valid(traceparent: str | None) -> bool:
    """Tell whether a caller's traceparent is one."""
    return bool(traceparent and _FORM.fullmatch(traceparent))


def enter(traceparent: str | None) -> str:
    """Make a caller's trace the current one, or start one where the caller has none; returns it."""
    value = traceparent if traceparent and _FORM.fullmatch(traceparent) else new_traceparent()
    _current.set(value)
    return value


def go_on(traceparent: str) -> None:
    """Make a traceparent of our own the current one, as it is; an empty one means that there is none."""
    _current.set(traceparent)


@contextmanager
def within(traceparent: str) -> Iterator[None]:
    """Work in a trace for a while, where there is one."""
    before = _current.get()
    _current.set(traceparent or before)
    try:
        yield
    finally:
        _current.set(before)


def current() -> str:
    """Tell the current traceparent, or an empty string."""
    return _current.get()


def is_recorded(traceparent: str) -> bool:
    """Tell whether a traceparent's trace is recorded."""
    return traceparent[-1:] in _ODD


def kept() -> str:
    """Give the current traceparent as rows keep it that work goes on from later; empty where nobody records it."""
    found = _current.get()
    return found if found[-1:] in _ODD else ""


def trace_id() -> str:
    """Tell the current trace id, or an empty string."""
    return _current.get()[3:35]


def span_id() -> str:
    """Tell the id of the current span, or of the caller's; an empty string where the trace is not recorded."""
    return kept()[36:52]


# What is done for many at once: each command's and each event's work goes on in its own trace.


def share(places: Sequence[str]) -> None:
    """Begin a batch: the traceparents of its commands, by their places in it."""
    _places.set(places)


def at(place: int) -> None:
    """Go on in the trace of the command at a place of the batch; where nothing was shared, in the one that is."""
    places = _places.get()
    if place < len(places):
        _current.set(places[place])


def cause(events: dict[UUID, str]) -> None:
    """Begin a batch of events: the traceparents of each, by its id."""
    _causes.set(events)


def caused_by(event_id: UUID) -> None:
    """Go on in the trace of an event of the batch; what comes from elsewhere goes on in the one that is."""
    found = (_causes.get() or {}).get(event_id)
    if found:
        _current.set(found)


def adopt(event_id: UUID, traceparent: str) -> None:
    """Have what an id stands for, which is that of no event of the batch, go on in a trace, where there is one."""
    causes = _causes.get()
    if causes is not None and traceparent:
        causes[event_id] = traceparent
