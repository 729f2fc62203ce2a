"""Writes chats, what members wrote in them, and what platforms are told of it, as protobuf."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.notification.v1 import chats_pb2 as pb

from services.chassis import ids, trace
from services.notification.domain import Chat, MemberMessage, MemberReply
from services.notification.store import KeptEvent

CHAT, MESSAGE, REPLY = "chat", "message", "reply"
"""What ids begin with."""


def wire_chat(chat: Chat) -> pb.Chat:
    """Write a chat; its address is never written."""
    return pb.Chat(
        chat_id=ids.opaque(CHAT, chat.chat_id),
        service=chat.service,
        bound_at=_stamp(chat.bound_at),
        heard_at=_stamp(chat.heard_at),
        open_until=_stamp(chat.open_until) if chat.open_until else None,
        gone=chat.gone,
    )


def wire_member_message(
    message: MemberMessage, chat: Chat | None, replies: Sequence[MemberReply] = ()
) -> pb.MemberMessage:
    """Write what a member wrote, with its chat where that is bound still."""
    return pb.MemberMessage(
        message_id=ids.opaque(MESSAGE, message.message_id),
        member_id=message.member_id,
        service=message.service,
        chat_id=ids.opaque(CHAT, chat.chat_id) if chat else "",
        text=message.words,
        written_at=_stamp(message.written_at),
        open_until=_stamp(chat.open_until) if chat and chat.open_until else None,
        is_signed=message.is_signed,
        seat_id=message.seat_id,
        replies=[
            pb.MemberReply(
                reply_id=ids.opaque(REPLY, reply.reply_id), text=reply.words, replied_at=_stamp(reply.replied_at)
            )
            for reply in replies
        ],
    )


def message_received(message: MemberMessage, chat: Chat | None) -> KeptEvent:
    """Make the event of what a member wrote."""
    told = pb.MemberMessageReceived(message=wire_member_message(message, chat))
    event_id = ids.derived_id(message.message_id, "received")
    envelope = pb.ChatEvent(message_received=told)
    return _kept(message.platform_id, event_id, message.member_id, envelope, message.received_at)


def binding_changed(chat: Chat, event_id: UUID, now: datetime, *, is_bound: bool) -> KeptEvent:
    """Make the event of a chat that was bound, or is no longer."""
    changed = pb.ChatBindingChanged(
        member_id=chat.member_id,
        chat_id=ids.opaque(CHAT, chat.chat_id),
        service=chat.service,
        is_bound=is_bound,
    )
    return _kept(chat.platform_id, event_id, chat.member_id, pb.ChatEvent(binding_changed=changed), now)


def subject_of(member_id: str) -> str:
    """Name what events of a member's chats are ordered by."""
    return f"chats of {member_id}"


def _kept(platform_id: UUID, event_id: UUID, member_id: str, envelope: pb.ChatEvent, at: datetime) -> KeptEvent:
    envelope.platform_id = ids.opaque("plat", platform_id)
    envelope.event_id = str(event_id)
    envelope.occurred_at.FromDatetime(at)
    return KeptEvent(
        platform_id=platform_id,
        event_id=event_id,
        type=f"chat.{envelope.WhichOneof('fact')}",
        subject=subject_of(member_id),
        occurred_at=at,
        value=envelope.SerializeToString(),
        traceparent=trace.kept(),
    )


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
