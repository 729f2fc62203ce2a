"""What members do in chats and on their own pages: the calls of team_formation, which checks who is heard."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from groupbuy.notification.v1 import notification_internal_pb2 as pb

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.errors import FieldViolation, Rejected
from services.notification.channels import Channels
from services.notification.domain import (
    LONGEST_WORDS,
    Act,
    Meaning,
    Point,
    language_problem,
    meaning_of,
    member_id_problem,
)
from services.notification.handlers.chats import Chats, Overheard
from services.notification.handlers.member_messages import MemberMessages, Written
from services.notification.rpc.chats import printable, wire_shown
from services.notification.translate import wire_chat

LONGEST_KEY = 200
LONGEST_QUESTION = 1_000
_LONGEST_CODE = 64
_ACTS = {
    pb.CHAT_ACT_ASKED: Act.ASKED,
    pb.CHAT_ACT_STARTED: Act.STARTED,
    pb.CHAT_ACT_STOPPED: Act.STOPPED,
    pb.CHAT_ACT_WROTE: Act.WROTE,
    pb.CHAT_ACT_LEFT: Act.LEFT,
}
_MEANT = {Meaning.STOP: Act.STOPPED, Meaning.START: Act.STARTED}


class Hearing:
    """Answers team_formation about members that do something in chats or ask on their pages."""

    def __init__(self, clock: Clock, channels: Channels, chats: Chats, messages: MemberMessages) -> None:
        self._clock = clock
        self._channels = channels
        self._chats = chats
        self._messages = messages

    async def hear(self, platform_id: UUID, request: pb.HearChatRequest) -> pb.HearChatResponse:
        """Do what somebody did in a private chat."""
        _refuse(self._problems(request))
        act = _ACTS[request.act]
        if act is Act.WROTE:  # a stop word of another language is one too
            act = _MEANT.get(meaning_of(request.text), act)
        answer = await self._chats.hear(
            Overheard(
                platform_id,
                request.event_key,
                Point(request.service, request.address),
                act,
                request.code if request.act == pb.CHAT_ACT_STARTED else "",
                printable(request.text),
                request.language,
                self._time(platform_id, request),
                request.is_signed,
            )
        )
        return pb.HearChatResponse.FromString(answer)

    async def ask(self, platform_id: UUID, request: pb.AskSellerRequest) -> pb.AskSellerResponse:
        """Keep what was asked on a member's page."""
        words = printable(request.text)
        problems = {
            "event_key": _key_problem(request.event_key),
            "member_id": member_id_problem(request.member_id),
            "seat_id": _seat_problem(request.seat_id),
            "text": None if 1 <= len(words) <= LONGEST_QUESTION else f"must be 1 to {LONGEST_QUESTION} characters",
        }
        _refuse(problems.items())
        asked = Written(platform_id, request.event_key, request.member_id, words, None, request.seat_id, is_signed=True)
        await self._messages.ask(asked)
        return pb.AskSellerResponse()

    async def conversation(self, platform_id: UUID, request: pb.GetConversationRequest) -> pb.GetConversationResponse:
        """Read what a member's page shows."""
        problems = {"member_id": member_id_problem(request.member_id), "seat_id": _seat_problem(request.seat_id)}
        _refuse(problems.items())
        asked = await self._messages.asked(platform_id, request.member_id, request.seat_id)
        chats = await self._chats.list(platform_id, request.member_id)
        return pb.GetConversationResponse(messages=map(wire_shown, asked), chats=map(wire_chat, chats))

    async def make_code(
        self, platform_id: UUID, request: pb.MakeMemberChatCodeRequest
    ) -> pb.MakeMemberChatCodeResponse:
        """Make a code for a member."""
        if member_id_problem(request.member_id):
            raise Rejected("MEMBER_UNKNOWN")
        _refuse([("seat_id", _seat_problem(request.seat_id))])
        code, expires_at = await self._chats.make_code(platform_id, request.member_id, request.seat_id)
        response = pb.MakeMemberChatCodeResponse(code=code)
        response.expires_at.FromDatetime(expires_at)
        return response

    async def end(self, platform_id: UUID, request: pb.EndMemberChatsRequest) -> pb.EndMemberChatsResponse:
        """Forget chats of a member."""
        problems = {
            "member_id": member_id_problem(request.member_id),
            "seat_id": _seat_problem(request.seat_id) if request.seat_id else None,
        }
        _refuse(problems.items())
        await self._chats.end(platform_id, request.member_id, request.seat_id)
        return pb.EndMemberChatsResponse()

    def _problems(self, request: pb.HearChatRequest) -> Iterator[tuple[str, str | None]]:
        yield "event_key", _key_problem(request.event_key)
        yield "language", language_problem(request.language)
        if request.act not in _ACTS:
            yield "act", "must be one that there is"
        if len(request.code) > _LONGEST_CODE:
            yield "code", f"must be at most {_LONGEST_CODE} characters"
        if len(request.text) > LONGEST_WORDS:
            yield "text", f"must be at most {LONGEST_WORDS} characters"
        if request.act == pb.CHAT_ACT_WROTE and not printable(request.text):
            yield "text", "must be set where something was written"
        channel = self._channels.get(request.service)
        yield "service", None if channel else f"must be one of {', '.join(sorted(self._channels))}"
        if channel and channel.check(request.address):
            yield "address", f"is none of {request.service}: what it is, is not repeated"

    def _time(self, platform_id: UUID, request: pb.HearChatRequest) -> datetime:
        """Give when it happened, not later than now."""
        now = self._clock.now(platform_id)
        if not request.HasField("happened_at"):
            return now
        try:
            return min(request.happened_at.ToDatetime(tzinfo=UTC), now)
        except (ValueError, OverflowError):
            return now


def _key_problem(key: str) -> str | None:
    return None if 1 <= len(key) <= LONGEST_KEY else f"must be 1 to {LONGEST_KEY} characters"


def _seat_problem(seat_id: str) -> str | None:
    return None if ids.parse("seat", seat_id, 2) else "must be the seat on whose page it was asked"


def _refuse(problems: Iterable[tuple[str, str | None]]) -> None:
    found = tuple(FieldViolation(field, problem) for field, problem in problems if problem)
    if found:
        raise Rejected("INVALID_ARGUMENT", fields=found)
