"""What members wrote to the seller, and what was answered, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import MemberMessage, MemberReply

Connection: TypeAlias = AsyncConnection[TupleRow]

_MESSAGE = "platform_id, message_id, member_id, service, chat_id, seat_id, words, is_signed, written_at, received_at"


async def insert_member_message(connection: Connection, message: MemberMessage) -> bool:
    """Keep what a member wrote; False where it is kept already."""
    cursor = await connection.execute(
        f"INSERT INTO member_messages ({_MESSAGE}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - a constant
        " ON CONFLICT (platform_id, message_id) DO NOTHING RETURNING 1",
        (
            message.platform_id,
            message.message_id,
            message.member_id,
            message.service,
            message.chat_id,
            message.seat_id,
            message.words,
            message.is_signed,
            message.written_at,
            message.received_at,
        ),
    )
    return await cursor.fetchone() is not None


async def count_member_messages(
    connection: Connection, platform_id: UUID, member_id: str, since: datetime, but: UUID
) -> int:
    """Count what a member wrote since a time, without one message."""
    cursor = await connection.execute(
        "SELECT count(*) FROM member_messages WHERE platform_id = %s AND member_id = %s AND received_at > %s"
        " AND message_id <> %s",
        (platform_id, member_id, since, but),
    )
    [(count,)] = await cursor.fetchall()
    return int(count)


async def find_member_message(connection: Connection, platform_id: UUID, message_id: UUID) -> MemberMessage | None:
    """Find what a member wrote, locked against being forgotten."""
    cursor = await connection.execute(
        f"SELECT {_MESSAGE} FROM member_messages WHERE platform_id = %s AND message_id = %s FOR KEY SHARE",  # noqa: S608 - a constant
        (platform_id, message_id),
    )
    row = await cursor.fetchone()
    return MemberMessage(*row) if row else None


async def list_member_messages(
    connection: Connection, platform_id: UUID, member_id: str, before: tuple[datetime, UUID] | None, limit: int
) -> list[MemberMessage]:
    """List what members wrote, the newest first; of one member where it is named."""
    of_member, after = "", ""
    values: list[object] = [platform_id]
    if member_id:
        of_member = " AND member_id = %s"
        values.append(member_id)
    if before:
        after = " AND (received_at, message_id) < (%s, %s)"
        values += before
    cursor = await connection.execute(
        f"SELECT {_MESSAGE} FROM member_messages WHERE platform_id = %s{of_member}{after}"  # noqa: S608 - constants
        " ORDER BY received_at DESC, message_id DESC LIMIT %s",
        (*values, limit),
    )
    return [MemberMessage(*row) async for row in cursor]


async def list_asked(
    connection: Connection, platform_id: UUID, member_id: str, seat_id: str, limit: int
) -> list[MemberMessage]:
    """List what a member asked on the page of a seat, the newest first."""
    cursor = await connection.execute(
        f"SELECT {_MESSAGE} FROM member_messages WHERE platform_id = %s AND member_id = %s AND seat_id = %s"  # noqa: S608 - a constant
        " ORDER BY received_at DESC, message_id DESC LIMIT %s",
        (platform_id, member_id, seat_id, limit),
    )
    return [MemberMessage(*row) async for row in cursor]


async def insert_member_reply(connection: Connection, platform_id: UUID, reply: MemberReply) -> None:
    """Keep an answer."""
    await connection.execute(
        "INSERT INTO member_replies (platform_id, reply_id, message_id, words, replied_at) VALUES (%s, %s, %s, %s, %s)",
        (platform_id, reply.reply_id, reply.message_id, reply.words, reply.replied_at),
    )


async def find_member_replies(
    connection: Connection, platform_id: UUID, message_ids: Sequence[UUID]
) -> dict[UUID, list[MemberReply]]:
    """Find the answers to messages, each message's in order."""
    cursor = await connection.execute(
        "SELECT reply_id, message_id, words, replied_at FROM member_replies"
        " WHERE platform_id = %s AND message_id = ANY (%s) ORDER BY replied_at, reply_id",
        (platform_id, list(message_ids)),
    )
    found: dict[UUID, list[MemberReply]] = {}
    async for row in cursor:
        found.setdefault(row[1], []).append(MemberReply(*row))
    return found


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """An answer as it is sent."""

    question: str
    words: str
    chat_id: UUID | None
    """Where it belongs; None where it was asked on a page."""


async def find_replies(connection: Connection, replies: Sequence[tuple[UUID, UUID]]) -> dict[UUID, ReplyRow]:
    """Find answers, given as (platform, reply); those that were forgotten are left out."""
    cursor = await connection.execute(
        "SELECT r.reply_id, m.words, r.words, m.chat_id FROM unnest(%s::uuid[], %s::uuid[])"
        " AS k (platform_id, reply_id) JOIN member_replies AS r USING (platform_id, reply_id)"
        " JOIN member_messages AS m USING (platform_id, message_id)",
        ([platform_id for platform_id, _ in replies], [reply_id for _, reply_id in replies]),
    )
    return {row[0]: ReplyRow(*row[1:]) async for row in cursor}


async def erase_member_messages(
    connection: Connection, platform_id: UUID, member_id: str, subject: str, since: datetime
) -> int:
    """Forget what a member wrote, with its answers, also where it is told since a time; returns how many messages."""
    cursor = await connection.execute(
        "DELETE FROM member_messages WHERE platform_id = %s AND member_id = %s RETURNING 1", (platform_id, member_id)
    )
    count = len(await cursor.fetchall())
    await connection.execute(
        "DELETE FROM platform_events WHERE platform_id = %s AND kept_at > %s AND subject = %s"
        " AND type = 'chat.message_received'",
        (platform_id, since, subject),
    )
    return count


async def forget_member_messages(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what was written before a time, and its answers; returns how many. Over all platforms."""
    cursor = await connection.execute(
        "DELETE FROM member_messages WHERE (platform_id, message_id) IN (SELECT platform_id, message_id"
        " FROM member_messages WHERE received_at < %s ORDER BY received_at LIMIT %s) RETURNING 1",
        (before, limit),
    )
    return len(await cursor.fetchall())
