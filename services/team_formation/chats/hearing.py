"""Asks notification who is heard in a chat, and hands it what members write: it alone keeps chats and words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

import grpc
from groupbuy.notification.v1 import chats_pb2, notification_internal_pb2_grpc
from groupbuy.notification.v1 import notification_internal_pb2 as pb
from grpc_status import rpc_status

from services.chassis import ids
from services.chassis.away import Away
from services.chassis.errors import Rejected
from services.chassis.status import rejected_of
from services.team_formation import translate

CALL_SECONDS = 5.0
PAGE_SECONDS = 0.3
"""A page waits for no longer, and is shown without what it would have said."""
REST_SECONDS = 5.0

Stub: TypeAlias = "notification_internal_pb2_grpc.NotificationInternalAsyncStub"


class Act(StrEnum):
    """What somebody did in a private chat."""

    ASKED = "ASKED"
    STARTED = "STARTED"
    STOPPED = "STOPPED"
    WROTE = "WROTE"
    LEFT = "LEFT"


class Heard(StrEnum):
    """What came of it, as CHAT_HEARD says it."""

    KNOWN = "KNOWN"
    UNKNOWN = "UNKNOWN"
    BOUND = "BOUND"
    CODE_UNKNOWN = "CODE_UNKNOWN"
    MUTED = "MUTED"
    UNMUTED = "UNMUTED"
    KEPT = "KEPT"
    TOO_MANY = "TOO_MANY"
    FORGOTTEN = "FORGOTTEN"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did something, where, by which event."""

    platform_id: UUID
    event_key: str
    service: str
    address: str
    """In the form of the channel's addresses."""
    language: str
    happened_at: datetime
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Who it is."""

    heard: Heard
    member_id: str = ""
    seats: Sequence[tuple[UUID, UUID]] = ()
    """That the member was last told of, as campaign and seat."""
    language: str = ""
    is_first: bool = False
    """What was kept is the member's first within a day."""


NOBODY = Known(Heard.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a member asked the seller on its page."""

    text: str
    answers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a member's page shows."""

    asked: Sequence[Asked] = ()
    services: Sequence[str] = ()
    """Of the chats that the member's messages go to."""


class Hearing:
    """Hears members through notification; UNAVAILABLE where it does not answer."""

    def __init__(self, stub: Stub, service_key: str) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {service_key}"),)
        self._away = Away(REST_SECONDS)

    async def hear(self, sender: Sender, act: Act, *, code: str = "", text: str = "") -> Known:
        """Say who somebody is, and have done what concerns messages."""
        request = pb.HearChatRequest(
            platform_id=_platform(sender.platform_id),
            event_key=sender.event_key,
            service=sender.service,
            address=sender.address,
            act=pb.ChatAct.Value(f"CHAT_ACT_{act}"),
            code=code,
            text=text,
            language=sender.language,
            happened_at=translate.time(sender.happened_at),
            is_signed=sender.is_signed,
        )
        try:
            answer = await self._stub.HearChat(request, metadata=self._metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                return NOBODY  # what nobody can be written to by, as a number that is hidden
            raise _unavailable(error) from error
        found = (ids.parse("seat", seat, 2) for seat in answer.seat_ids)
        return Known(
            Heard(pb.ChatHeard.Name(answer.heard).removeprefix("CHAT_HEARD_")),
            answer.member_id,
            [(seat[0], seat[1]) for seat in found if seat],
            answer.language,
            answer.is_first,
        )

    async def ask(self, platform_id: UUID, member_id: str, seat_id: str, text: str, event_key: str) -> None:
        """Hand on what a member asks on its page; Rejected TOO_MANY_MESSAGES, UNAVAILABLE."""
        request = pb.AskSellerRequest(
            platform_id=_platform(platform_id), event_key=event_key, member_id=member_id, seat_id=seat_id, text=text
        )
        try:
            await self._stub.AskSeller(request, metadata=self._metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)  # type: ignore[arg-type]
            if status and error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                raise rejected_of(status) from error
            raise _unavailable(error) from error

    async def conversation(self, platform_id: UUID, member_id: str, seat_id: str) -> Conversation | None:
        """Read what a page shows; None where notification does not answer in time."""
        if not self._away.may_ask():
            return None
        request = pb.GetConversationRequest(platform_id=_platform(platform_id), member_id=member_id, seat_id=seat_id)
        try:
            answer = await self._stub.GetConversation(request, metadata=self._metadata, timeout=PAGE_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                self._away.failed()
            return None
        self._away.answered()
        services = dict.fromkeys(chat.service for chat in answer.chats if not chat.gone)
        return Conversation(tuple(map(_asked, answer.messages)), tuple(services))

    async def make_code(self, platform_id: UUID, member_id: str, seat_id: str) -> tuple[str, datetime]:
        """Make a code on the page of a seat, by which a member has its messages sent to a chat; and until when."""
        request = pb.MakeMemberChatCodeRequest(platform_id=_platform(platform_id), member_id=member_id, seat_id=seat_id)
        try:
            answer = await self._stub.MakeMemberChatCode(request, metadata=self._metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from error
        return answer.code, translate.from_time(answer.expires_at)

    async def end_chats(self, platform_id: UUID, member_id: str, seat_id: str = "") -> None:
        """Have a member written to in no chat any more; or in none that was bound from the page of a seat."""
        request = pb.EndMemberChatsRequest(platform_id=_platform(platform_id), member_id=member_id, seat_id=seat_id)
        try:
            await self._stub.EndMemberChats(request, metadata=self._metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from error


def _asked(message: chats_pb2.MemberMessage) -> Asked:
    return Asked(message.text, tuple(reply.text for reply in message.replies))


def _platform(platform_id: UUID) -> str:
    return ids.opaque(translate.PLATFORM, platform_id)


def _unavailable(error: grpc.aio.AioRpcError) -> Rejected:
    return Rejected("UNAVAILABLE", {"cause": f"notification: {error.code().name}"})
