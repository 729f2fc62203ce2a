"""Spans: the caller's flag decides, none are made where nobody records, and they say kinds and no words."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode
from prometheus_client import REGISTRY

from services.chassis import call_spans, message_spans, spans, trace
from services.chassis.coalesce import Coalescer
from services.chassis.errors import Rejected
from services.chassis.messages import Message, Record, headers
from services.chassis.span_export import Outbound
from services.chassis.timers import Timer
from tests.support.recording import parent_of, recording, traceparent_of

METHOD = "/groupbuy.a.v1.A/Do"
MINE = trace.new_traceparent(trace.RECORDED)
QUIET = trace.new_traceparent()
TOPIC, FACT = "groupbuy.team.v1", "groupbuy.team_formation.v1.SeatHeld"


def test_without_a_recorder_nothing_is_made_and_the_callers_trace_goes_on() -> None:
    assert call_spans.arrived(METHOD, MINE) is None
    assert trace.current() == MINE
    with spans.under("work") as span:
        assert not span.is_recording()
        assert trace.current() == MINE
    assert spans.now() == 0


@pytest.mark.parametrize(
    ("given", "ratio", "made"),
    [(MINE, 0.0, True), (QUIET, 1.0, False), (None, 1.0, True), ("?", 0.0, False)],
    ids=["the caller records", "the caller does not", "no caller", "no context"],
)
def test_the_caller_decides_and_chance_where_there_is_none(given: str | None, ratio: float, *, made: bool) -> None:
    with recording(ratio) as recorded:
        span = call_spans.arrived(METHOD, given)
        assert (span is not None) is made
        assert trace.is_recorded(trace.current()) is made
        if span:
            assert trace.current() == spans.traceparent_of(span)
            assert trace.span_id() == trace.current()[36:52]
            call_spans.answered(span, "OK")
        else:
            assert trace.span_id() == ""
    assert recorded.names == (["groupbuy.a.v1.A/Do"] if made else [])
    assert [parent_of(one) for one in recorded.spans] == ([MINE if given == MINE else ""] if made else [])


def test_spans_hang_below_each_other_and_the_trace_goes_on_where_it_was() -> None:
    with recording() as recorded:
        trace.go_on(MINE)
        with spans.under("outer"), spans.under("inner"):
            assert trace.current() != MINE
        assert trace.current() == MINE
    assert parent_of(recorded.one("outer")) == MINE
    assert parent_of(recorded.one("inner")) == traceparent_of(recorded.one("outer"))


@pytest.mark.parametrize(
    ("error", "kind"), [(ValueError("mei@example.com"), "ValueError"), (Rejected("TEAM_UNKNOWN"), None)]
)
def test_an_error_is_told_by_its_kind_and_a_refusal_is_none(error: Exception, kind: str | None) -> None:
    with recording() as recorded:
        trace.go_on(MINE)
        with pytest.raises(type(error)), spans.under("work"):
            raise error
    span = recorded.one("work")
    assert (span.attributes or {}).get("error.type") == kind
    assert (span.status.status_code is StatusCode.ERROR) is (kind is not None)
    assert (span.status.description, span.events) == (None, ())


@pytest.mark.parametrize(("code", "failed"), [("OK", False), ("NOT_FOUND", False), ("UNAVAILABLE", True)])
def test_a_call_failed_where_who_answers_failed(code: str, *, failed: bool) -> None:
    with recording() as recorded:
        span = call_spans.arrived(METHOD, MINE)
        assert span
        call_spans.answered(span, code)
    assert (recorded.spans[0].status.status_code is StatusCode.ERROR) is failed


@pytest.mark.parametrize(("found", "names"), [(0, []), (2, ["work", "timer t"])])
async def test_a_look_that_finds_nothing_is_nothing_to_see(found: int, names: list[str]) -> None:
    async def look() -> int:
        with spans.under("work"):
            return found

    with recording() as recorded:
        assert await Timer("t", look, every=1.0).once() == found
        with spans.under("after"):
            pass
    assert [name for name in recorded.names if name != "after"] == names


async def test_a_look_that_fails_is_seen() -> None:
    async def look() -> int:
        raise OSError("away")

    with recording() as recorded:
        await Timer("t", look, every=1.0).once()
    assert (recorded.one("timer t").attributes or {})["error.type"] == "OSError"


async def test_each_command_of_a_batch_goes_on_in_its_own_trace() -> None:
    mine = [trace.new_traceparent(trace.RECORDED), QUIET, trace.new_traceparent(trace.RECORDED)]
    seen: list[str] = []

    async def decide(commands: Sequence[int]) -> list[int]:
        for place, _ in enumerate(commands):
            trace.at(place)
            seen.append(trace.current())
        return list(commands)

    with recording() as recorded:
        queue = Coalescer("q", decide)
        callers = []
        for number, traceparent in enumerate(mine):
            with trace.within(traceparent):
                callers.append(asyncio.create_task(queue.submit(number)))
        await asyncio.sleep(0)
        await queue.run_once()
        await asyncio.gather(*callers)
    first, last = recorded.named("batch of q")
    assert seen == [traceparent_of(first), QUIET, traceparent_of(last)]
    assert [parent_of(first), parent_of(last)] == [mine[0], mine[2]]
    assert [parent_of(one) for one in recorded.named("queue of q")] == [mine[0], mine[2]]
    assert [link.context.span_id for link in first.links] == [last.context.span_id]
    assert [link.context.span_id for link in last.links] == [first.context.span_id]
    assert (first.attributes or {})["groupbuy.batch.size"] == 3


def message(traceparent: str, number: int = 1) -> Message:
    return Message(
        TOPIC, "team-key", UUID(int=number), FACT, number, datetime(2026, 1, 1, tzinfo=UTC), b"", traceparent
    )


def test_a_message_is_published_with_the_context_of_its_span() -> None:
    with recording() as recorded, message_spans.published([message(MINE), message(QUIET, 2)]) as told:
        pass
    span = recorded.one("send groupbuy.team.v1")
    assert [item.traceparent for item in told] == [traceparent_of(span), QUIET]
    assert parent_of(span) == MINE
    assert (span.attributes or {})["messaging.message.id"] == str(UUID(int=1))
    assert "team-key" not in str(span.attributes)


def test_a_publish_that_fails_is_seen() -> None:
    with recording() as recorded, pytest.raises(OSError, match="away"), message_spans.published([message(MINE)]):
        raise OSError("away")
    assert (recorded.spans[0].attributes or {})["error.type"] == "OSError"


def test_a_record_is_handled_with_the_context_of_its_span() -> None:
    others = [trace.new_traceparent(trace.RECORDED), QUIET]
    came = [Record(TOPIC, "k", b"", tuple(headers(message(each))), 3, at) for at, each in enumerate([MINE, *others])]
    came.append(replace(came[0], headers=()))
    with recording() as recorded, message_spans.processed(came, "groupbuy-pricing") as handled:
        inside = trace.current()
    first, second = recorded.named("process groupbuy.team.v1")
    assert [record.header(trace.HEADER) for record in handled] == [
        traceparent_of(first),
        traceparent_of(second),
        QUIET,
        "",
    ]
    assert inside == traceparent_of(first)
    assert [parent_of(first), parent_of(second)] == [MINE, others[0]]
    assert handled[0].header("ce_id") == came[0].header("ce_id")
    said = first.attributes or {}
    assert (said["messaging.destination.partition.id"], said["messaging.kafka.offset"]) == ("3", 0)
    assert said["messaging.consumer.group.name"] == "groupbuy-pricing"


class Away(SpanExporter):
    """A receiver that takes nothing, and as slowly as it is let."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.let_go = threading.Event()
        if not hangs:
            self.let_go.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.let_go.wait(60)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.let_go.set()


def dropped(outcome: str) -> float:
    return REGISTRY.get_sample_value("groupbuy_spans_total", {"outcome": outcome}) or 0.0


def some_spans(outbound: Outbound, count: int) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(outbound)
    tracer = provider.get_tracer("tests")
    for _ in range(count):
        tracer.start_span("work").end()


def test_what_a_receiver_does_not_take_is_counted() -> None:
    before = dropped("not_taken")
    away = Away()
    outbound = Outbound(lambda: away)
    outbound.start()
    some_spans(outbound, 600)
    outbound.finish(30)
    assert dropped("not_taken") - before == 600


def test_what_there_is_no_room_for_is_dropped_at_once_and_an_end_waits_no_longer_than_it_may() -> None:
    no_room, not_taken = dropped("no_room"), dropped("not_taken")
    away = Away(hangs=True)
    outbound = Outbound(lambda: away, room=10)
    some_spans(outbound, 15)
    assert dropped("no_room") - no_room == 5
    outbound.start()
    outbound.finish(0.01)
    some_spans(outbound, 1)
    assert dropped("no_room") - no_room == 6, "after its end it takes nothing"
    away.let_go.set()
    outbound.finish(30)
    assert dropped("not_taken") - not_taken == 10
