"""Chats of members, what they write to the seller, and what is answered: the calls of platforms."""

from datetime import datetime
from uuid import UUID

from groupbuy.notification.v1 import chats_pb2 as pb

from services.chassis import ids, pages, requests
from services.chassis.errors import Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.notification.domain import LONGEST_REPLY_TO_MEMBER, member_id_problem
from services.notification.handlers.chats import Chats, UnbindChat
from services.notification.handlers.member_messages import EraseMemberMessages, MemberMessages, ReplyToMember, Shown
from services.notification.handlers.messages import answer_of
from services.notification.translate import CHAT, MESSAGE, wire_chat, wire_member_message


class ChatCalls:
    """Answers what concerns chats of members."""

    def __init__(self, chats: Chats, messages: MemberMessages) -> None:
        self._chats = chats
        self._messages = messages

    async def make_code(self, request: pb.MakeChatCodeRequest) -> pb.MakeChatCodeResponse:
        """Make a code for a member."""
        code, expires_at = await self._chats.make_code(caller(), _member(request.member_id))
        response = pb.MakeChatCodeResponse(code=code)
        response.expires_at.FromDatetime(expires_at)
        return response

    async def list(self, request: pb.ListChatsRequest) -> pb.ListChatsResponse:
        """List a member's chats."""
        found = await self._chats.list(caller(), _member(request.member_id))
        return pb.ListChatsResponse(chats=map(wire_chat, found))

    async def unbind(self, request: pb.UnbindChatRequest) -> pb.UnbindChatResponse:
        """Forget a chat."""
        requests.check_request_id(request.request_id)
        chat = ids.parse(CHAT, request.chat_id, 1)
        if chat is None:
            raise Rejected("CHAT_UNKNOWN")
        key = RequestKey(NO_CAMPAIGN, caller(), "UnbindChat", request.request_id, requests.body_hash(request))
        return pb.UnbindChatResponse.FromString(answer_of(await self._chats.unbind(UnbindChat(key, chat[0]))))

    async def list_messages(self, request: pb.ListMemberMessagesRequest) -> pb.ListMemberMessagesResponse:
        """List what members wrote."""
        if request.member_id and (problem := member_id_problem(request.member_id)):
            raise invalid("member_id", problem)
        platform_id, size = caller(), pages.size(request.page_size)
        of = f"ListMemberMessages {platform_id} {request.member_id}"
        before = _read(pages.read(request.page_token, of))
        found = await self._messages.page(platform_id, request.member_id, before, size + 1)
        shown = found[:size]
        token = pages.token(_position(shown[-1]), of) if len(found) > size else ""
        return pb.ListMemberMessagesResponse(messages=map(wire_shown, shown), next_page_token=token)

    async def reply(self, request: pb.ReplyToMemberRequest) -> pb.ReplyToMemberResponse:
        """Answer a member."""
        requests.check_request_id(request.request_id)
        words = printable(request.text)
        if not words or len(words) > LONGEST_REPLY_TO_MEMBER:
            raise invalid("text", f"must be 1 to {LONGEST_REPLY_TO_MEMBER} characters, not only spaces")
        message = ids.parse(MESSAGE, request.message_id, 1)
        if message is None:
            raise Rejected("MEMBER_MESSAGE_UNKNOWN")
        key = RequestKey(NO_CAMPAIGN, caller(), "ReplyToMember", request.request_id, requests.body_hash(request))
        answer = answer_of(await self._messages.reply(ReplyToMember(key, message[0], words)))
        return pb.ReplyToMemberResponse.FromString(answer)

    async def erase(self, request: pb.EraseMemberMessagesRequest) -> pb.EraseMemberMessagesResponse:
        """Forget what a member wrote."""
        requests.check_request_id(request.request_id)
        member_id = _member(request.member_id)
        key = RequestKey(NO_CAMPAIGN, caller(), "EraseMemberMessages", request.request_id, requests.body_hash(request))
        answer = answer_of(await self._messages.erase(EraseMemberMessages(key, member_id)))
        return pb.EraseMemberMessagesResponse.FromString(answer)


def printable(text: str) -> str:
    """Leave out what no text has: NUL, which the database does not take, and spaces around it."""
    return text.replace("\0", "").strip()


def wire_shown(shown: Shown) -> pb.MemberMessage:
    """Write a message with its answers."""
    return wire_member_message(shown.message, shown.chat, shown.replies)


def _member(member_id: str) -> str:
    if member_id_problem(member_id):
        raise Rejected("MEMBER_UNKNOWN")
    return member_id


def _position(shown: Shown) -> str:
    return f"{shown.message.received_at.isoformat()} {shown.message.message_id}"


def _read(position: str | None) -> tuple[datetime, UUID] | None:
    if position is None:
        return None
    at, _, message_id = position.partition(" ")
    try:
        return datetime.fromisoformat(at), UUID(message_id)
    except ValueError:
        raise Rejected("PAGE_TOKEN_INVALID") from None
