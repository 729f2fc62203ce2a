"""Messages: one envelope type per topic with a `oneof` of facts, CloudEvents attributes in the record's headers.

Source: CloudEvents Kafka protocol binding 1.0.2, binary content mode.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Protocol, cast
from uuid import UUID

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis import trace
from services.chassis.topics import topics

CONTENT_TYPE = "application/protobuf"


class Envelope(Protocol):
    """What every envelope has, whatever its facts are."""

    DESCRIPTOR: Descriptor
    event_id: str
    platform_id: str
    sequence: int
    occurred_at: Timestamp

    def WhichOneof(self, group: str) -> str | None: ...  # noqa: N802, D102
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: N802, D102


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way out: what the outbox stores and the relay publishes."""

    topic: str
    key: str
    event_id: UUID
    fact: str
    """Full name of the fact, for instance groupbuy.team_formation.v1.SeatHeld."""
    sequence: int
    occurred_at: datetime
    payload: bytes
    traceparent: str


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it came from Kafka (or from a table that keeps it), not decoded yet."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1
    offset: int = -1

    def header(self, name: str) -> str:
        """Read a header, or an empty string."""
        return next((value.decode(errors="replace") for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Event:
    """One event decoded."""

    record: Record
    event_id: UUID
    sequence: int
    envelope: Envelope

    @property
    def fact(self) -> ProtoMessage:
        """The fact itself."""
        name = self.envelope.WhichOneof("fact")
        return cast("ProtoMessage", getattr(self.envelope, name or ""))


class Undecodable(Exception):
    """A record whose bytes are no event of its topic."""


def message(topic: str, key: str, envelope: Envelope) -> Message:
    """Make the message of an envelope whose fact, ids and sequence are set."""
    name = envelope.WhichOneof("fact")
    if name is None:
        raise ValueError("an envelope without a fact tells nothing")
    fact = envelope.DESCRIPTOR.fields_by_name[name].message_type.full_name
    return Message(
        topic=topic,
        key=key,
        event_id=UUID(envelope.event_id),
        fact=fact,
        sequence=envelope.sequence,
        occurred_at=envelope.occurred_at.ToDatetime(tzinfo=UTC),
        payload=envelope.SerializeToString(),
        traceparent=trace.current(),
    )


def headers(item: Message) -> list[tuple[str, bytes]]:
    """Make a record's headers."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(item.event_id),
        "ce_type": item.fact,
        "ce_source": f"/groupbuy/{topics()[item.topic].owner}",
        "ce_time": item.occurred_at.isoformat().replace("+00:00", "Z"),
        "content-type": CONTENT_TYPE,
        trace.HEADER: item.traceparent,
    }
    return [(name, value.encode()) for name, value in attributes.items() if value]


def decode(record: Record) -> Event:
    """Decode a record by its topic's envelope; Undecodable says what is wrong with it."""
    try:
        envelope = _envelope_type(record.topic).FromString(record.value)
    except DecodeError:
        raise Undecodable("the value is no envelope of this topic") from None
    if envelope.WhichOneof("fact") is None:
        raise Undecodable(f"a fact this release does not know: {record.header('ce_type') or 'unnamed'}")
    try:
        event_id = UUID(envelope.event_id)
    except ValueError:
        raise Undecodable("event_id is no UUID") from None
    if envelope.sequence < 1:
        raise Undecodable("sequence is below 1")
    return Event(record, event_id, envelope.sequence, envelope)


class _EnvelopeType(Protocol):
    def FromString(self, data: bytes) -> Envelope: ...  # noqa: N802


@cache
def _envelope_type(topic: str) -> _EnvelopeType:
    package, _, name = topics()[topic].envelope.rpartition(".")
    return cast("_EnvelopeType", getattr(import_module(f"{package}.events_pb2"), name))


def by_topic(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Group events by topic, order kept."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(event.record.topic, []).append(event)
    return groups
