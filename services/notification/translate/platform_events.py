"""What platforms are told of: the types of events by name, and an event as it is posted."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message as ProtoMessage
from groupbuy.notification.v1 import chats_pb2

from services.chassis import ids, trace
from services.chassis.messages import Event, Record, decode
from services.chassis.messages import Message as Told
from services.chassis.topics import topics
from services.notification.store import KeptEvent

CAMPAIGNS = "groupbuy.campaign.v1"
WORDS = {
    CAMPAIGNS: "campaign",
    "groupbuy.team.v1": "team",
    "groupbuy.price.v1": "price",
    "groupbuy.settlement.v1": "settlement",
    "groupbuy.delivery.v1": "delivery",
}
"""Topics whose events platforms are told of, and the first word of their types."""
_TOPICS = {word: topic for topic, word in WORDS.items()}
OWN_ENVELOPES: Mapping[str, Any] = {"chat": chats_pb2.ChatEvent}
"""What platforms alone are told of, by the first word of its types; it goes by no topic."""
TEST_TYPE = "webhook.test"
"""Of what SendTestEvent posts; nobody subscribes to it."""


@cache
def event_types() -> tuple[str, ...]:
    """Name all types: the topic's word and the fact's field in its envelope, as "team.seat_confirmed"."""
    return tuple(
        f"{word}.{fact.name}"
        for word, envelope in _envelopes().items()
        for fact in envelope.DESCRIPTOR.oneofs_by_name["fact"].fields
    )


@cache
def _envelopes() -> Mapping[str, Any]:
    return {**{word: _envelope(topic) for topic, word in WORDS.items()}, **OWN_ENVELOPES}


def envelope_type(kind: str) -> Any:
    """Give the message class of a type's envelope."""
    return _envelopes()[kind.partition(".")[0]]


@cache
def _envelope(topic: str) -> Any:
    package, _, name = topics()[topic].envelope.rpartition(".")
    return getattr(import_module(f"{package}.events_pb2"), name)


def kept_event(event: Event) -> KeptEvent | None:
    """Keep an event as it came; None where its platform cannot be read."""
    envelope: Any = event.envelope
    platform = ids.parse("plat", envelope.platform_id, 1)
    if platform is None:
        return None
    word = WORDS[event.record.topic]
    carried = event.record.header(trace.HEADER)
    return KeptEvent(
        platform_id=platform[0],
        event_id=event.event_id,
        type=f"{word}.{envelope.WhichOneof('fact')}",
        subject=event.record.key,
        occurred_at=event.occurred_at,
        value=event.record.value,
        traceparent=carried if trace.is_recorded(carried) else "",
    )


def kept_events(events: Iterable[Event]) -> list[KeptEvent]:
    """Keep events as they came."""
    return [kept for event in events if (kept := kept_event(event))]


def kept_told(told: Told) -> KeptEvent | None:
    """Keep an event that this service tells itself."""
    carried = ((trace.HEADER, told.traceparent.encode()),)
    return kept_event(decode(Record(told.topic, told.key, told.payload, carried)))


def topic_of(kind: str) -> str:
    """Name the topic that a type of events goes by; a topic is one already."""
    return _TOPICS.get(kind.partition(".")[0], kind)


def envelope_of(kind: str, value: bytes) -> ProtoMessage:
    """Read a kept event again."""
    word = kind.partition(".")[0]
    if word in OWN_ENVELOPES:
        own: ProtoMessage = OWN_ENVELOPES[word].FromString(value)
        return own
    return decode(Record(_TOPICS[word], "", value)).envelope


def body_of(kind: str, occurred_at: datetime, envelope: ProtoMessage) -> bytes:
    """Write an event as it is posted: JSON with its type, its time and the envelope in protobuf's own JSON."""
    return _json(kind, occurred_at, MessageToDict(envelope))


def body_of_test(endpoint_id: str, now: datetime) -> bytes:
    """Write what SendTestEvent posts."""
    return _json(TEST_TYPE, now, {"endpointId": endpoint_id, "text": "This is a test: nothing happened."})


def _json(kind: str, at: datetime, data: object) -> bytes:
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {"type": kind, "timestamp": stamp, "data": data}, ensure_ascii=False, separators=(",", ":")
    ).encode()
