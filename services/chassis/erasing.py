"""Erases members in a service's database: replaces their ids in every row that is there, by a timer, in two passes.

Who writes at the same time may not have seen that a member is erased, and may have read its id before. So a pass begins
only when every transaction has ended that was under way when the erasure, or the pass before, was committed; what is
written after the second one knows no id. The id itself is kept until then.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from groupbuy.team_formation.v1 import events_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import erased, erased_rows, ids, inbox_rows, logs, platforms, renaming, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.erased_rows import Erased
from services.chassis.errors import Poison, Rejected
from services.chassis.messages import Event, Record, Undecodable, decode
from services.chassis.requests import RequestKey
from services.chassis.status import rejected_of, status_of
from services.chassis.work import Work

PAGE = 20
CAMPAIGN_PREFIX = "camp"

Replace = Callable[[AsyncConnection[TupleRow], Erased], Awaitable[None]]
"""Replaces a member's id in a service's own tables; may be called again, and changes nothing then."""

Locate = Callable[[AsyncConnection[TupleRow], UUID, str], Awaitable[list[UUID]]]
"""Finds the campaigns in which a platform's member is named."""

Tell = Callable[[Work, Erased], None]

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What erasing needs to know of a service."""

    replace: Replace
    services: Sequence[str] = ()
    """Full names of its gRPC services, whose answers are stored."""
    settle: timedelta = field(default_factory=timedelta)
    """How long after the first pass something may still be on its way in memory."""
    locate: Locate | None = None
    """Finds where the member is; None where the event says it."""
    tell: Tell | None = None
    """Tells the others, in the transaction of the first pass."""


class Eraser:
    """Replaces what is to be replaced."""

    def __init__(self, database: Database, clock: Clock, service: Service) -> None:
        self._database = database
        self._clock = clock
        self._service = service

    async def run_once(self) -> int:
        """Pass over members whose turn it is, at most a page; returns how many. Run by a timer."""
        async with self._database.read() as connection:
            due = await erased_rows.find_due(connection, self._clock.now(), PAGE)
        for platform_id, member_hash in due:
            try:
                await self._pass(platform_id, member_hash)
            except Exception as error:  # noqa: BLE001 - whatever it is, others are not to wait for it
                # without its words: those of a database have the row in them
                log.error("a member's rows could not be replaced; tried again", why=type(error).__name__)  # noqa: TRY400
        return len(due)

    async def _pass(self, platform_id: UUID, member_hash: bytes) -> None:
        async with self._database.work() as work:
            found = await erased_rows.lock_due(work.connection, platform_id, member_hash)
            if found is None:
                return
            if self._service.locate:
                there = await self._service.locate(work.connection, platform_id, found.member_id)
                found = replace(found, campaigns=tuple(sorted({*found.campaigns, *there})))
            # what takes long first, while nobody waits for the teams that the service locks
            await _replace_parked(work.connection, found)
            await _replace_answers(work.connection, found, answers_of(self._service.services))
            await self._service.replace(work.connection, found)
            if found.passes == 0 and self._service.tell:
                self._service.tell(work, found)
            await erased_rows.passed(work.connection, found, member_hash, self._clock.now() + self._service.settle)
        log.info("a member's rows were replaced", pseudonym=found.pseudonym, nth=found.passes + 1)


async def on_member_events(work: Work, events: list[Event]) -> None:
    """Note who was erased: the handler of every service that reads their topic."""
    for event in events:
        envelope = event.read_as(events_pb2.MemberEvent)
        platform = ids.parse(platforms.ID_PREFIX, envelope.platform_id, 1)
        if platform is None:
            raise Poison(event.event_id, "platform_id is no platform's id")
        fact = envelope.member_erased
        campaigns = (ids.parse(CAMPAIGN_PREFIX, text, 1) for text in fact.campaign_ids)
        await erased_rows.note(
            work.connection,
            Erased(
                platform_id=platform[0],
                pseudonym=fact.pseudonym,
                erased_at=envelope.occurred_at.ToDatetime(tzinfo=UTC),
                complete_at=fact.complete_at.ToDatetime(tzinfo=UTC),
                campaigns=tuple(found[0] for found in campaigns if found),
                member_id=fact.member_id,
            ),
        )


async def _replace_parked(connection: AsyncConnection[TupleRow], found: Erased) -> None:
    for number, topic, key, value in await inbox_rows.find_parked_with(connection, found.member_id):
        new = renamed_record(topic, key, value, found)
        if new != value:
            await inbox_rows.replace_parked(connection, number, new)


def renamed_record(topic: str, key: str, value: bytes, found: Erased) -> bytes:
    """Replace a member's id in an event of its platform; where it cannot be read, its bytes are overwritten."""
    try:
        envelope = decode(Record(topic, key, value)).envelope
    except Undecodable:
        return renaming.overwrite(value, found.member_id)
    if erased.platform_of(envelope) != found.platform_id:
        return value
    renaming.rename(envelope, found.member_id, found.pseudonym)
    return envelope.SerializeToString()


Answers = Mapping[str, tuple[type[Message], bool]]
"""By RPC: the type of its answer, and whether its request names members."""


def answers_of(services: Iterable[str]) -> Answers:
    """Read, from the descriptors, what the RPCs of services answer."""
    return {name: answer for service in services for name, answer in _answers_of(service).items()}


@cache
def _answers_of(service: str) -> dict[str, tuple[type[Message], bool]]:
    methods: Any = descriptor_pool.Default().FindServiceByName(service).methods_by_name
    return {
        name: (_type_of(item.output_type), renaming.names_members(item.input_type)) for name, item in methods.items()
    }


def _type_of(descriptor: Descriptor) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)


async def _replace_answers(connection: AsyncConnection[TupleRow], found: Erased, answers: Answers) -> None:
    """Replace a member's id in stored answers; the hash of a request that named it goes too."""
    there = await requests.find_with(connection, found.platform_id, found.campaigns, found.member_id)
    for campaign_id, rpc, request_id, refused, answer in there:
        kind, names = answers.get(rpc, (None, False))
        new = _renamed_refusal(answer, found) if refused else _renamed_answer(kind, answer, found)
        if new != answer:
            key = RequestKey(campaign_id, found.platform_id, rpc, request_id, b"")
            await requests.replace_answer(connection, key, new, forget_body=names)


def _renamed_answer(kind: type[Message] | None, answer: bytes, found: Erased) -> bytes:
    try:
        message = kind.FromString(answer) if kind else None
    except DecodeError:
        message = None
    if message is None:
        return renaming.overwrite(answer, found.member_id)
    renaming.rename(message, found.member_id, found.pseudonym)
    return message.SerializeToString()


def _renamed_refusal(answer: bytes, found: Erased) -> bytes:
    rejected = rejected_of(status_pb2.Status.FromString(answer))
    said = {name: found.pseudonym if value == found.member_id else value for name, value in rejected.metadata.items()}
    return status_of(Rejected(rejected.reason, said, rejected.fields)).SerializeToString()
