"""Messages: one envelope type per topic with a `oneof` of facts, CloudEvents attributes in the record's headers.

Source: CloudEvents Kafka protocol binding 1.0.2, binary content mode.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis import trace
from services.chassis.topics import topics

CONTENT_TYPE = "application/protobuf"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000

Kind = TypeVar("Kind", bound=ProtoMessage)


class Message(NamedTuple):
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


def readable(raw: bytes) -> str:
    """Read bytes of anybody's as text: PostgreSQL's text cannot hold what is no UTF-8, nor a zero byte."""
    return raw.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


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
        return next((readable(value) for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Event:
    """One event decoded."""

    record: Record
    event_id: UUID
    sequence: int
    occurred_at: datetime
    envelope: ProtoMessage

    def read_as(self, _kind: type[Kind]) -> Kind:
        """Give the envelope as the type that its topic carries."""
        return cast("Kind", self.envelope)


class Undecodable(Exception):
    """A record whose bytes are no event of its topic."""


def message(topic: str, key: str, envelope: ProtoMessage) -> Message:
    """Make the message of an envelope whose fact, ids and sequence are set; ValueError where one is missing."""
    if not isinstance(envelope, _envelope_type(topic)):
        raise ValueError(f"{topic} carries {topics()[topic].envelope}, not {envelope.DESCRIPTOR.full_name}")  # noqa: TRY004
    fields = _fields(envelope)
    fact = envelope.DESCRIPTOR.fields_by_name[fields.fact].message_type if fields.fact else None
    if fact is None or fields.sequence < 1:
        raise ValueError("an envelope has a fact, and a sequence from 1")
    return Message(
        topic=topic,
        key=key,
        event_id=UUID(fields.event_id),
        fact=fact.full_name,
        sequence=fields.sequence,
        occurred_at=fields.occurred_at,
        payload=envelope.SerializeToString(),
        traceparent=trace.current(),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """What every envelope has, whatever its facts are."""

    event_id: str
    sequence: int
    occurred_at: datetime
    fact: str | None


def _fields(envelope: Any) -> _Fields:
    return _Fields(envelope.event_id, envelope.sequence, _time(envelope.occurred_at), envelope.WhichOneof("fact"))


def _time(given: Timestamp) -> datetime:
    """Read a time; ValueError or OverflowError for one that there is not. Much faster than protobuf's own way."""
    if not 0 <= given.nanos < _SECOND:
        raise ValueError(f"a second has no {given.nanos} nanoseconds")
    return _EPOCH + timedelta(seconds=given.seconds, microseconds=given.nanos // 1000)


def headers(item: Message) -> list[tuple[str, bytes]]:
    """Make a record's headers."""
    return [*fixed_headers(item.topic, item.fact), *own_headers(item)]


def fixed_headers(topic: str, fact: str) -> list[tuple[str, bytes]]:
    """Make the headers that all records of a fact have."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_type": fact,
        "ce_source": f"/groupbuy/{topics()[topic].owner}",
        "content-type": CONTENT_TYPE,
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def own_headers(item: Message) -> list[tuple[str, bytes]]:
    """Make the headers that are a record's own."""
    found = [
        ("ce_id", str(item.event_id).encode()),
        ("ce_time", item.occurred_at.isoformat().replace("+00:00", "Z").encode()),
    ]
    return [*found, (trace.HEADER, item.traceparent.encode())] if item.traceparent else found


def decode(record: Record) -> Event:
    """Decode a record by its topic's envelope; Undecodable says what is wrong with it."""
    try:
        envelope = _envelope_type(record.topic).FromString(record.value)
        fields = _fields(envelope)
    except (DecodeError, ValueError, OverflowError):
        raise Undecodable("the value is no envelope of this topic") from None
    if fields.fact is None:
        raise Undecodable(f"a fact this release does not know: {record.header('ce_type') or 'unnamed'}")
    try:
        event_id = UUID(fields.event_id)
    except ValueError:
        raise Undecodable("event_id is no UUID") from None
    if fields.sequence < 1:
        raise Undecodable("sequence is below 1")
    return Event(record, event_id, fields.sequence, fields.occurred_at, envelope)


@cache
def _envelope_type(topic: str) -> type[ProtoMessage]:
    package, _, name = topics()[topic].envelope.rpartition(".")
    return cast("type[ProtoMessage]", getattr(import_module(f"{package}.events_pb2"), name))


def by_topic(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Group events by topic, order kept."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(event.record.topic, []).append(event)
    return groups
