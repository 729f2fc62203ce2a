"""What members write to the seller: kept for 30 days, told to the platform, answered where it was written, erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from groupbuy.notification.v1 import chats_pb2

from services.chassis import ids, requests, trace
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import NO_CAMPAIGN, Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store
from services.notification.domain import (
    MOST_A_DAY,
    WORDS_KEPT,
    Chat,
    Kind,
    MemberMessage,
    MemberReply,
    State,
)
from services.notification.handlers.platform_events import keep
from services.notification.store import NewDelivery, Reach
from services.notification.store import chats as chat_shelf
from services.notification.store import member_messages as shelf
from services.notification.translate import NOBODYS, REPLY, message_received, subject_of

WEB = "web"
"""Stands for a service where something was asked on a member's page."""
PAGE = 1_000
MOST_SHOWN = 5
_DAY = timedelta(hours=24)
EVENTS_KEPT = timedelta(days=8)
"""Longer than events are kept for platforms."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a member wrote, in a chat or, without one, on the page of a seat."""

    platform_id: UUID
    event_key: str
    member_id: str
    words: str
    chat: Chat | None
    seat_id: str
    is_signed: bool


@dataclass(frozen=True, slots=True)
class ReplyToMember:
    """A checked command."""

    key: RequestKey
    message_id: UUID
    words: str


@dataclass(frozen=True, slots=True)
class EraseMemberMessages:
    """A checked command."""

    key: RequestKey
    member_id: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A message with its chat, where that is bound still, and its answers."""

    message: MemberMessage
    chat: Chat | None
    replies: Sequence[MemberReply]


async def keep_message(work: Work, written: Written, written_at: datetime, now: datetime) -> int | None:
    """Keep what a member wrote, once, and tell the platform; gives how much it wrote within a day before.

    None where that is too much.
    """
    chat = written.chat
    message = MemberMessage(
        platform_id=written.platform_id,
        message_id=ids.derived_id(written.platform_id, "member message", written.event_key),
        member_id=written.member_id,
        service=chat.service if chat else WEB,
        chat_id=chat.chat_id if chat else None,
        seat_id=written.seat_id,
        words=written.words,
        is_signed=written.is_signed,
        written_at=written_at,
        received_at=now,
    )
    before = await shelf.count_member_messages(
        work.connection, message.platform_id, message.member_id, now - _DAY, message.message_id
    )
    if before >= MOST_A_DAY:
        return None
    if await shelf.insert_member_message(work.connection, message):
        await keep(work, [message_received(message, chat)], now)
    return before


class MemberMessages:
    """Decides about what members wrote, each time in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ask(self, written: Written) -> None:
        """Keep what was asked on a page; Rejected TOO_MANY_MESSAGES."""
        now = self._clock.now(written.platform_id)
        async with self._database.work() as work:
            if await keep_message(work, written, now, now) is None:
                raise Rejected("TOO_MANY_MESSAGES", {"limit": MOST_A_DAY})

    async def page(
        self, platform_id: UUID, member_id: str, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Shown]:
        """Give a page of what was written, the newest first."""
        async with self._database.read() as connection:
            found = await shelf.list_member_messages(connection, platform_id, member_id, before, limit)
            return await _shown(connection, platform_id, found)

    async def asked(self, platform_id: UUID, member_id: str, seat_id: str) -> Sequence[Shown]:
        """Give the last that was asked on the page of a seat, the oldest first."""
        async with self._database.read() as connection:
            found = await shelf.list_asked(connection, platform_id, member_id, seat_id, MOST_SHOWN)
            return await _shown(connection, platform_id, found[::-1])

    async def reply(self, command: ReplyToMember) -> Answer:
        """Write the answer down, on its way where it belongs, and store what was answered to the caller."""
        platform_id = command.key.platform_id
        now = self._clock.now(platform_id)
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            message = await shelf.find_member_message(work.connection, platform_id, command.message_id)
            if message is None:
                raise Rejected("MEMBER_MESSAGE_UNKNOWN")
            channel = await _channel(work, message, now)
            reply = MemberReply(ids.new_id(), message.message_id, command.words, now)
            await shelf.insert_member_reply(work.connection, platform_id, reply)
            if channel:
                await store.insert_deliveries(work.connection, [_delivery(message, reply, channel, now)])
                work.call(store.WAKE_CHANNEL)
            answer = chats_pb2.ReplyToMemberResponse(reply_id=ids.opaque(REPLY, reply.reply_id)).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def erase(self, command: EraseMemberMessages) -> Answer:
        """Forget what a member wrote and was answered, and store the answer."""
        platform_id, member_id = command.key.platform_id, command.member_id
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            subject, since = subject_of(member_id), self._clock.now() - EVENTS_KEPT
            count = await shelf.erase_member_messages(work.connection, platform_id, member_id, subject, since)
            answer = chats_pb2.EraseMemberMessagesResponse(count=count).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def forget(self) -> int:
        """Forget what was written more than 30 days ago; returns how many. Run by a timer."""
        async with self._database.work() as work:
            return await shelf.forget_member_messages(work.connection, self._clock.now() - WORDS_KEPT, PAGE)


async def _channel(work: Work, message: MemberMessage, now: datetime) -> str:
    """Name the channel that an answer takes; empty where the page alone shows it.

    Rejected CHAT_GONE, CHAT_WINDOW_OVER.
    """
    member = (message.platform_id, message.member_id)
    if message.chat_id is None:
        reach: Reach | None = (await store.find_reaches(work.connection, [member])).get(member)
        return (reach.channel or "") if reach else ""
    chats = await chat_shelf.find_chats(work.connection, message.platform_id, [message.chat_id])
    chat = chats.get(message.chat_id)
    if chat is None:
        raise Rejected("CHAT_GONE")
    if chat.open_until and chat.open_until <= now:
        raise Rejected("CHAT_WINDOW_OVER", {"open_until": chat.open_until.isoformat().replace("+00:00", "Z")})
    return chat.service


def _delivery(message: MemberMessage, reply: MemberReply, channel: str, now: datetime) -> NewDelivery:
    """Make the message, without words: they are read where it is sent."""
    return NewDelivery(
        platform_id=message.platform_id,
        campaign_id=NO_CAMPAIGN,
        delivery_id=ids.derived_id(reply.reply_id, message.member_id, Kind.REPLY),
        team_id=NOBODYS,
        seat_id=NOBODYS,
        member_id=message.member_id,
        kind=Kind.REPLY,
        cause_event_id=reply.reply_id,
        team_version=0,
        language="",
        subject="",
        body="",
        created_at=now,
        state=State.PENDING,
        reason="",
        ended_at=None,
        channel=channel,
        due_at=now,
        template_channel="",
        template_version=0,
        link="",
        link_label="",
        deadline=None,
        traceparent=trace.kept(),
    )


async def _shown(
    connection: chat_shelf.Connection, platform_id: UUID, found: Sequence[MemberMessage]
) -> Sequence[Shown]:
    chats = await chat_shelf.find_chats(connection, platform_id, [one.chat_id for one in found if one.chat_id])
    replies = await shelf.find_member_replies(connection, platform_id, [one.message_id for one in found])
    return [
        Shown(one, chats.get(one.chat_id) if one.chat_id else None, replies.get(one.message_id, ())) for one in found
    ]
