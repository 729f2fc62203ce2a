"""Spans of messages on their way through Kafka, named as OpenTelemetry does.

Source: https://opentelemetry.io/docs/specs/semconv/messaging/kafka/.

A record carries the context of the span that published it, and is handed on with that of the span that handles it: so
one trace leads from the call to all that came of it, whatever else was in the same batches.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from opentelemetry.semconv._incubating.attributes import messaging_attributes as names

from services.chassis import spans, trace
from services.chassis.messages import Event, Message, Record
from services.chassis.spans import Attributes, SpanKind

_SYSTEM = "kafka"


@contextmanager
def published(told: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Publish messages, each under a span where its trace is recorded; gives them as they are to be written."""
    made: list[spans.Span] = []
    given: list[Message] = []
    for item in told:
        if spans.made_for(item.traceparent):
            made.append(_sending(item, len(told)))
            item = item._replace(traceparent=spans.traceparent_of(made[-1]))  # noqa: PLW2901
        given.append(item)
    try:
        yield given
    except BaseException as error:
        for span in made:
            spans.end(span, error)
        raise
    for span in made:
        spans.end(span)


def _sending(item: Message, together: int) -> spans.Span:
    attributes: Attributes = {
        names.MESSAGING_SYSTEM: _SYSTEM,
        names.MESSAGING_OPERATION_NAME: "send",
        names.MESSAGING_OPERATION_TYPE: "send",
        names.MESSAGING_DESTINATION_NAME: item.topic,
        names.MESSAGING_MESSAGE_ID: str(item.event_id),
        names.MESSAGING_BATCH_MESSAGE_COUNT: together,
        "groupbuy.fact": item.fact,
    }
    return spans.begun(f"send {item.topic}", item.traceparent, attributes, SpanKind.PRODUCER)


@contextmanager
def processed(records: Sequence[Record], group: str) -> Iterator[Sequence[Record]]:
    """Handle records, each under a span where its trace is recorded; gives them as they are to be handled.

    As in any batch (see `spans.together`) the transaction is seen below the first of them.
    """
    given, made = list(records), []
    for place, record in enumerate(records):
        traceparent = record.header(trace.HEADER) if record.headers else ""
        if spans.made_for(traceparent):
            span = _handling(record, traceparent, group, len(records))
            made.append(span)
            given[place] = _carrying(record, spans.traceparent_of(span))
    if not made:
        yield records
        return
    spans.linked(made)
    with trace.within(spans.traceparent_of(made[0])):
        try:
            yield given
        except BaseException as error:
            spans.end_all(made, error)
            raise
        spans.end_all(made)


def _handling(record: Record, traceparent: str, group: str, together: int) -> spans.Span:
    attributes: Attributes = {
        names.MESSAGING_SYSTEM: _SYSTEM,
        names.MESSAGING_OPERATION_NAME: "process",
        names.MESSAGING_OPERATION_TYPE: "process",
        names.MESSAGING_DESTINATION_NAME: record.topic,
        names.MESSAGING_DESTINATION_PARTITION_ID: str(record.partition),
        names.MESSAGING_KAFKA_OFFSET: record.offset,
        names.MESSAGING_CONSUMER_GROUP_NAME: group,
        names.MESSAGING_BATCH_MESSAGE_COUNT: together,
    }
    return spans.begun(f"process {record.topic}", traceparent, attributes, SpanKind.CONSUMER)


def _carrying(record: Record, traceparent: str) -> Record:
    """Put a context in the place of that which a record came with."""
    others = [(name, value) for name, value in record.headers if name != trace.HEADER]
    return replace(record, headers=(*others, (trace.HEADER, traceparent.encode())))


def traces_of(events: Sequence[Event]) -> dict[UUID, str]:
    """Give the contexts of events, by their ids."""
    return {event.event_id: event.record.header(trace.HEADER) for event in events}
