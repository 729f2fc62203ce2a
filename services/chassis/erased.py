"""Members that were erased: refused where they are asked for, and renamed in events of before."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from google.protobuf.message import Message
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import erased_rows, ids, platforms, renaming
from services.chassis.erased_rows import Known
from services.chassis.errors import Rejected
from services.chassis.messages import Record, Undecodable, decode
from services.chassis.topics import topics

TOPIC = "groupbuy.member.v1"
PREFIX = "erased-"
"""A pseudonym begins with it."""

_SLACK = timedelta(days=2)
"""How much longer than its age something can be kept: a topic's last segment and a day of the outbox end first."""


def complete_at(erased_at: datetime) -> datetime:
    """Tell when neither a topic nor an outbox names somebody who is erased now."""
    days = max(topic.retention_days for topic in topics().values() if topic.retention == "delete")
    return erased_at + timedelta(days=days) + _SLACK


async def find_erased(
    connection: AsyncConnection[TupleRow], named: Mapping[UUID, Collection[str]]
) -> dict[tuple[UUID, str], Known]:
    """Find which members of platforms are erased, before anything is written of them."""
    if not named:
        return {}
    await erased_rows.take_number(connection)
    rows = await (
        await erased_rows.look_up(connection, [(platform, sorted(members)) for platform, members in named.items()])
    ).all()
    return {(platform, one.member_id): one for platform, found in zip(named, rows, strict=True) for one in found}


async def refuse(connection: AsyncConnection[TupleRow], platform_id: UUID, members: Collection[str]) -> None:
    """Refuse what is asked for members that are erased, before it is written: Rejected MEMBER_ERASED."""
    for known in (await find_erased(connection, {platform_id: members} if members else {})).values():
        raise refusal(known)


def refusal(known: Known) -> Rejected:
    """Make the refusal of an erased member."""
    return Rejected("MEMBER_ERASED", {"complete_at": known.complete_at.isoformat().replace("+00:00", "Z")})


async def rename_in(connection: AsyncConnection[TupleRow], platform_id: UUID, messages: Sequence[Message]) -> None:
    """Replace ids of erased members in messages that are made of stored events of a platform."""
    if not messages or not await erased_rows.is_any(connection):
        return
    named = set[str]().union(*map(renaming.ids_in, messages))
    for known in (await find_erased(connection, {platform_id: named} if named else {})).values():
        for message in messages:
            renaming.rename(message, known.member_id, known.pseudonym)


async def renamed(connection: AsyncConnection[TupleRow], records: Iterable[Record]) -> list[Record]:
    """Replace ids of erased members in records that came from a topic: those of before name them still.

    What is no event of its topic stays as it is.
    """
    given = list(records)
    if not given or not await erased_rows.is_any(connection):
        return given
    named = [_Named.read(record) for record in given]
    wanted: dict[UUID, set[str]] = {}
    for item in named:
        if item.platform_id and item.members:
            wanted.setdefault(item.platform_id, set()).update(item.members)
    if not wanted:
        return given
    known = {key: one.pseudonym for key, one in (await find_erased(connection, wanted)).items()}
    return [item.renamed(known) for item in named] if known else given


@dataclass(frozen=True, slots=True)
class _Named:
    """A record with the members that it names."""

    record: Record
    platform_id: UUID | None
    members: frozenset[str]

    @classmethod
    def read(cls, record: Record) -> "_Named":
        if record.topic == TOPIC:
            return cls(record, None, frozenset())
        try:
            envelope = decode(record).envelope
        except Undecodable:
            return cls(record, None, frozenset())
        return cls(record, platform_of(envelope), frozenset(renaming.ids_in(envelope)))

    def renamed(self, known: dict[tuple[UUID, str], str]) -> Record:
        found = {member: known[key] for member in self.members if (key := (self.platform_id, member)) in known}
        if not found:
            return self.record
        envelope = decode(self.record).envelope
        for old, new in found.items():
            renaming.rename(envelope, old, new)
        record = self.record
        value = envelope.SerializeToString()
        return Record(record.topic, record.key, value, record.headers, record.partition, record.offset)


def platform_of(envelope: object) -> UUID | None:
    """Tell whose event it is."""
    found = ids.parse(platforms.ID_PREFIX, getattr(envelope, "platform_id", ""), 1)
    return found[0] if found else None
