"""SendMessage: what a platform says in its own words, to each member at most five times within a day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from groupbuy.notification.v1 import messages_pb2

from services.chassis import erased, ids, requests, trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import NO_CAMPAIGN, Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store
from services.notification.domain import Kind, State, TeamState, with_link
from services.notification.handlers.fanout import NUDGES, ending_value
from services.notification.rendering import wanted_languages
from services.notification.store import Again, Job, NewDelivery, OwnMessage, Reach
from services.notification.translate import NOBODYS

MOST_A_DAY = 5
PAGE = 500
"""Members of a tag written to in one transaction."""
MOST_AGAIN = 10_000
_DAY = timedelta(hours=24)
_NUDGES_APART = 6 * 3600
"""Seconds; one nudge in each such span of time."""


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
    tags: Sequence[str] = ()
    """Instead of members: to whoever has one of them."""
    most_today: int | None = None
    """So many messages may the platform have written today, these included; None: any number."""


@dataclass(frozen=True, slots=True)
class RedriveDeliveries:
    """A checked command."""

    key: RequestKey
    wanted: Again


@dataclass(frozen=True, slots=True)
class NudgeTeam:
    """A checked command."""

    key: RequestKey
    campaign_id: UUID
    team_id: UUID


class MessageWriter:
    """Decides what platforms send, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def decide(self, command: SendMessage) -> Answer:
        """Write the deliveries and the answer; SUPPRESSED ones are for nobody here: the answer names them.

        Raises Rejected QUOTA_EXHAUSTED, which is not stored, where the day has no room for all of them.
        """
        async with self._database.work() as work:
            await erased.refuse(work.connection, command.key.platform_id, command.member_ids)
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            answer = await self._write(work, command)
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def redrive(self, command: RedriveDeliveries) -> Answer:
        """Have deliveries tried again, and store the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            count = await store.try_again(
                work.connection, command.wanted, self._clock.now(command.key.platform_id), MOST_AGAIN
            )
            answer = messages_pb2.RedriveDeliveriesResponse(count=count).SerializeToString()
            work.call(store.WAKE_CHANNEL)
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def nudge(self, command: NudgeTeam) -> Answer:
        """Hand a team's members to the fan-out, once in six hours, and store the answer."""
        platform_id = command.key.platform_id
        now = self._clock.now(platform_id)
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            team = await store.find_team(work.connection, platform_id, command.campaign_id, command.team_id)
            if team is None or team.opened is None:
                raise Rejected("TEAM_UNKNOWN")
            if team.state.has_ended or team.opened.ends_at <= now:
                raise Rejected("TEAM_ENDED", {"state": team.state if team.state.has_ended else "ENDING"})
            missing = max(0, team.opened.minimum - team.fill) if team.state is TeamState.FORMING else 0
            value = ending_value(team.opened.ends_at, missing)
            nth = int(now.timestamp()) // _NUDGES_APART
            job = Job(platform_id, team.campaign_id, team.team_id, NUDGES, nth, team.version, value)
            await store.insert_jobs(work.connection, [job], ready=True, now=now)
            answer = messages_pb2.NudgeTeamResponse().SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def tell_tagged(self) -> int:
        """Write a message to a page of those who have its tags; returns the page's size where there may be more."""
        async with self._database.work() as work:
            row = await store.lock_own_message(work.connection)
            if row is None:
                return 0
            members = await store.find_tagged(work.connection, row.platform_id, row.tags, row.after_member, PAGE)
            texts = [OwnText(**text) for text in row.texts]
            now = self._clock.now(row.platform_id)
            told = await _tell(work, _Own(row.platform_id, row.message_id, Kind(row.kind), texts), members, now)
            await store.add_messages(work.connection, row.platform_id, _day(self._clock.now()), len(told))
            await store.move_own_message(work.connection, row, members[-1] if len(members) == PAGE else None)
        return 1

    async def count_today(self, platform_id: UUID) -> int:
        """Count a platform's messages of today, in UTC."""
        async with self._database.read() as connection:
            return await store.count_messages(connection, platform_id, _day(self._clock.now()))

    async def forget_days(self) -> int:
        """Forget how many messages were written on days that are over; returns how many such counts there were."""
        async with self._database.work() as work:
            return await store.drop_message_days(work.connection, _day(self._clock.now() - _DAY))

    async def _write(self, work: Work, command: SendMessage) -> bytes:
        now = self._clock.now(command.key.platform_id)
        own = _Own(command.key.platform_id, ids.new_id(), command.kind, command.texts)
        told: Collection[str] = ()
        if command.tags:
            texts = [asdict(text) for text in command.texts]
            row = OwnMessage(own.platform_id, own.message_id, own.kind, command.tags, texts, "")
            await store.insert_own_message(work.connection, row, now)
        else:
            told = await _tell(work, own, command.member_ids, now)
        await _count(work, command, len(told), self._clock.now())
        return messages_pb2.SendMessageResponse(
            message_id=str(own.message_id),
            written=len(told),
            not_written=[name for name in command.member_ids if name not in told],
        ).SerializeToString()


@dataclass(frozen=True, slots=True)
class _Own:
    """What is said, by whom."""

    platform_id: UUID
    message_id: UUID
    kind: Kind
    texts: Sequence[OwnText]


async def _tell(work: Work, own: _Own, member_ids: Sequence[str], now: datetime) -> Collection[str]:
    """Write to members; gives those to whom it was: registered, with a contact point, and not written to too often."""
    counts = await store.count_own_words(work.connection, own.platform_id, member_ids, now - _DAY)
    reaches = await store.find_reaches(work.connection, [(own.platform_id, name) for name in sorted(counts)])
    reached = {name: reach for (_, name), reach in reaches.items() if reach.channel and counts[name] < MOST_A_DAY}
    rows = [_delivery(own, name, reach, now) for name, reach in sorted(reached.items())]
    if rows:
        await store.insert_deliveries(work.connection, rows)
        work.call(store.WAKE_CHANNEL)
    return reached.keys()


async def _count(work: Work, command: SendMessage, count: int, now: datetime) -> None:
    """Count messages of the day; QUOTA_EXHAUSTED where they are too many, or one for tags would have no room.

    Days are the machine's: a limit is for what a platform asks of it, and no clock that is moved makes room.
    """
    least = count or bool(command.tags)
    total = await store.add_messages(work.connection, command.key.platform_id, _day(now), count)
    if command.most_today is None or total - count + least <= command.most_today:
        return
    tomorrow = datetime.combine(_day(now) + _DAY, time(), tzinfo=UTC)
    what = "messages written since midnight in UTC; the next day makes room"
    said = {"limit": "messages_per_day", "allowed": command.most_today, "what": what}
    raise Rejected("QUOTA_EXHAUSTED", said, retry_after=(tomorrow - now).total_seconds())


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _delivery(own: _Own, member_id: str, reach: Reach, now: datetime) -> NewDelivery:
    text = _best(own.texts, reach.language)
    return NewDelivery(
        platform_id=own.platform_id,
        campaign_id=NO_CAMPAIGN,
        delivery_id=ids.derived_id(own.message_id, member_id, own.kind),
        team_id=NOBODYS,
        seat_id=NOBODYS,
        member_id=member_id,
        kind=own.kind,
        cause_event_id=own.message_id,
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
        traceparent=trace.kept(),
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
