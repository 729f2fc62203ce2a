"""Spans of the work under way, made by hand in a few places; none, and at no cost, where a trace is not recorded.

Whoever calls decides by the flag of its traceparent; where nobody did, a share of the traces that begin here is. No
span says more than ids of ours, names that the code has and numbers: what members and platforms write is in none.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry.context import Context
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from services.chassis import trace
from services.chassis.errors import Rejected

__all__ = ["Attributes", "Span", "SpanKind"]

Attributes: TypeAlias = Mapping[str, str | int | float | bool]

_RECORDED = TraceFlags(TraceFlags.SAMPLED)
_FAILED = Status(StatusCode.ERROR)
_held: ContextVar[list[tuple[Span, int]] | None] = ContextVar("held", default=None)


@dataclass(slots=True)
class _Recording:
    """Who makes spans, and of which share of the traces that begin here."""

    tracer: Tracer | None = None
    ratio: float = 0.0


_recording = _Recording()


def record(tracer: Tracer | None, ratio: float = 1.0) -> None:
    """Begin to make spans; with None cease to. `ratio` is of the traces whose caller has not decided."""
    _recording.tracer, _recording.ratio = tracer, ratio


def made_for(traceparent: str) -> bool:
    """Tell whether spans are made for a trace."""
    return _recording.tracer is not None and trace.is_recorded(traceparent)


def now() -> int:
    """Tell the time as spans have it, in nanoseconds; 0 where none are made."""
    return time.time_ns() if _recording.tracer is not None else 0


def traceparent_of(span: Span) -> str:
    """Write a span's context as a traceparent."""
    own = span.get_span_context()
    return f"00-{own.trace_id:032x}-{own.span_id:016x}-{trace.RECORDED}"


def begun(
    name: str,
    parent: str,
    attributes: Attributes | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    since: int | None = None,
) -> Span:
    """Begin a span below a parent, or as the first one of a trace where the parent is empty; who calls ends it.

    To be asked for only where spans are made. `since` is in nanoseconds of `now`.
    """
    assert _recording.tracer  # noqa: S101 - see above
    above = set_span_in_context(NonRecordingSpan(_context(parent)), Context()) if parent else Context()
    return _recording.tracer.start_span(name, above, kind, attributes, start_time=since)


def _context(traceparent: str) -> SpanContext:
    return SpanContext(int(traceparent[3:35], 16), int(traceparent[36:52], 16), is_remote=True, trace_flags=_RECORDED)


def arrived(name: str, given: str | None, attributes: Attributes, kind: SpanKind = SpanKind.SERVER) -> Span | None:
    """Enter a caller's trace, or begin one, with a span of it; None where it is not recorded."""
    if _recording.tracer is None:
        trace.enter(given)
        return None
    has_caller = trace.is_valid(given)
    entered = trace.enter(given)
    is_recorded = trace.is_recorded(entered) if has_caller else _is_drawn()
    if not is_recorded:
        return None
    span = begun(name, entered if has_caller else "", attributes, kind)
    trace.go_on(traceparent_of(span))
    return span


def _is_drawn() -> bool:
    """Tell by chance whether a trace that begins here is recorded."""
    return random.random() < _recording.ratio  # noqa: S311 - no secret


def end(span: Span, error: BaseException | None = None, at: int | None = None) -> None:
    """End a span, by an error if there was one: its kind is said and not its words, which may be anybody's.

    That a rule said no is no error but an answer.
    """
    if error is not None and not isinstance(error, Rejected):
        fail(span, type(error).__name__)
    held = _held.get()
    if held is None:
        span.end(at)
    else:
        held.append((span, at or time.time_ns()))


def fail(span: Span, kind: str) -> None:
    """Say that what a span is about failed, and how, in a word that the code has."""
    span.set_status(_FAILED)
    span.set_attribute(ERROR_TYPE, kind)


class _Under:
    """Works under a span, which ends with the work."""

    __slots__ = ("_before", "_span")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._before = ""

    def __enter__(self) -> Span:
        self._before = trace.current()
        trace.go_on(traceparent_of(self._span))
        return self._span

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        trace.go_on(self._before)
        end(self._span, error)


_NOT_MADE = nullcontext(INVALID_SPAN)


def under(
    name: str,
    attributes: Attributes | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
) -> AbstractContextManager[Span]:
    """Work under a span of the current trace, or of a parent's; under none where that is not recorded."""
    above = trace.current() if parent is None else parent
    return _Under(begun(name, above, attributes, kind)) if made_for(above) else _NOT_MADE


class Look:
    """A look for work, which most times finds none."""

    found = False


@contextmanager
def looking(name: str, attributes: Attributes) -> Iterator[Look]:
    """Begin a trace for a look for work: it and all spans below it are kept only where something was found, or failed.

    A timer looks several times a second, and what finds nothing is nothing to see.
    """
    look = Look()
    span = arrived(name, None, attributes, SpanKind.INTERNAL)
    if span is None:
        yield look
        return
    held: list[tuple[Span, int]] = []
    _held.set(held)
    try:
        yield look
    except BaseException as error:
        look.found = look.found or isinstance(error, Exception)
        end(span, error)
        raise
    else:
        end(span)
    finally:
        _held.set(None)
        for one, ended_at in held if look.found else ():
            one.end(ended_at)


@contextmanager
def together(
    name: str, parents: Sequence[str], since: Sequence[int], size: int, waited: str = ""
) -> Iterator[Sequence[str]]:
    """Do the work of several callers at once, `size` pieces in all; gives the traceparents under which each's goes on.

    Each whose trace is recorded has a span of it in its own trace. What is done once for all, the transaction, is seen
    below the first of them, which links to the others as they do to it. `waited` names a span of the wait before,
    which began at the times in `since`.
    """
    places = [place for place, parent in enumerate(parents) if made_for(parent)]
    if not places:
        yield parents
        return
    if waited:
        for place in places:
            begun(waited, parents[place], since=since[place] or None).end()
    own = [begun(name, parents[place], {"groupbuy.batch.size": size}) for place in places]
    linked(own)
    under_own = list(parents)
    for place, span in zip(places, own, strict=True):
        under_own[place] = traceparent_of(span)
    before = trace.current()
    trace.go_on(under_own[places[0]])
    try:
        yield under_own
    except BaseException as error:
        end_all(own, error)
        raise
    else:
        end_all(own)
    finally:
        trace.go_on(before)


def linked(own: Sequence[Span]) -> None:
    """Link the first span of a batch with the others, both ways."""
    first = own[0]
    for span in own[1:]:
        first.add_link(span.get_span_context())
        span.add_link(first.get_span_context())


def end_all(own: Sequence[Span], error: BaseException | None = None) -> None:
    """End the spans of a batch."""
    for span in own:
        end(span, error)
