"""SendMessage: what a platform says in its own words, to each member at most five times within a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from groupbuy.notification.v1 import messages_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import NO_CAMPAIGN, Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store
from services.notification.domain import Kind, State, with_link
from services.notification.rendering import wanted_languages
from services.notification.store import Again, NewDelivery, Reach
from services.notification.translate import NOBODYS

MOST_A_DAY = 5
MOST_AGAIN = 10_000
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class OwnText:
    """What is said in one language."""

    language: str
    subject: str
    body: str
    link: str
    link_label: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    """A checked command."""

    key: RequestKey
    kind: Kind
    member_ids: Sequence[str]
    texts: Sequence[OwnText]


@dataclass(frozen=True, slots=True)
class RedriveDeliveries:
    """A checked command."""

    key: RequestKey
    wanted: Again


class MessageWriter:
    """Decides what platforms send, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def decide(self, command: SendMessage) -> Answer:
        """Write the deliveries and the answer; SUPPRESSED ones are for nobody here: the answer names them."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            answer = await self._write(work, command, self._clock.now())
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def redrive(self, command: RedriveDeliveries) -> Answer:
        """Have deliveries tried again, and store the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            count = await store.try_again(work.connection, command.wanted, self._clock.now(), MOST_AGAIN)
            answer = messages_pb2.RedriveDeliveriesResponse(count=count).SerializeToString()
            work.call(store.WAKE_CHANNEL)
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _write(self, work: Work, command: SendMessage, now: datetime) -> bytes:
        platform_id, message_id = command.key.platform_id, ids.new_id()
        counts = await store.count_own_words(work.connection, platform_id, command.member_ids, now - _DAY)
        reaches = await store.find_reaches(work.connection, [(platform_id, name) for name in sorted(counts)])
        reached = {name: reach for (_, name), reach in reaches.items() if reach.channel and counts[name] < MOST_A_DAY}
        rows = [_delivery(command, message_id, name, reach, now) for name, reach in sorted(reached.items())]
        if rows:
            await store.insert_deliveries(work.connection, rows)
            work.call(store.WAKE_CHANNEL)
        return messages_pb2.SendMessageResponse(
            message_id=str(message_id),
            written=len(rows),
            not_written=[name for name in command.member_ids if name not in reached],
        ).SerializeToString()


def _delivery(command: SendMessage, message_id: UUID, member_id: str, reach: Reach, now: datetime) -> NewDelivery:
    text = _best(command.texts, reach.language)
    return NewDelivery(
        platform_id=command.key.platform_id,
        campaign_id=NO_CAMPAIGN,
        delivery_id=ids.derived_id(message_id, member_id, command.kind),
        team_id=NOBODYS,
        seat_id=NOBODYS,
        member_id=member_id,
        kind=command.kind,
        cause_event_id=message_id,
        team_version=0,
        language=text.language,
        subject=text.subject,
        body=with_link(text.body.strip() + "\n", text.link_label, text.link),
        created_at=now,
        state=State.PENDING,
        reason="",
        ended_at=None,
        channel=reach.channel or "",
        due_at=now,
        template_channel="",
        template_version=0,
        link=text.link,
        link_label=text.link_label,
        deadline=None,
    )


def _best(texts: Sequence[OwnText], language: str) -> OwnText:
    """Choose the text that a member reads; the first where it reads none."""
    by_language: Mapping[str, OwnText] = {text.language.lower(): text for text in reversed(texts)}
    wanted = wanted_languages(language) if language else ()
    return next((by_language[one.lower()] for one in wanted if one.lower() in by_language), texts[0])


def answer_of(decided: Answer) -> bytes:
    """Give what was decided; a refusal is raised."""
    if isinstance(decided, Rejected):
        raise decided
    return decided
