"""Private chats that members bound, and the codes by which they do, in SQL."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Chat

Connection: TypeAlias = AsyncConnection[TupleRow]

_CHAT = "platform_id, member_id, chat_id, service, bound_at, heard_at, gone_why"
_ROW = "b.platform_id, b.member_id, b.chat_id, b.service, b.bound_at, b.heard_at, b.gone_why, b.sealed, b.key_id,"
_ROW += " b.identity, b.via"
_CHAT_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class ChatRow:
    """A chat as it is kept: its address sealed."""

    chat: Chat
    sealed: bytes = field(repr=False)
    key_id: str
    identity: bytes
    via: str
    """The seat on whose page its code was made; empty for none."""


def chat_row(row: TupleRow) -> ChatRow:
    """Read a chat from its columns, in the order of the chat's fields."""
    return ChatRow(Chat(*row[:_CHAT_COLUMNS]), *row[_CHAT_COLUMNS:])


async def find_chat(connection: Connection, platform_id: UUID, marks: Sequence[bytes]) -> Chat | None:
    """Find the chat that one of some marks is of. It is changed under the lock of its member."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM member_chats WHERE platform_id = %s AND identity = ANY (%s)"  # noqa: S608 - a constant
        " ORDER BY bound_at DESC LIMIT 1",
        (platform_id, list(marks)),
    )
    row = await cursor.fetchone()
    return Chat(*row) if row else None


async def list_chats(connection: Connection, platform_id: UUID, member_id: str) -> list[Chat]:
    """List the chats of a member, the newest first."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM member_chats WHERE platform_id = %s AND member_id = %s"  # noqa: S608 - a constant
        " ORDER BY bound_at DESC, chat_id",
        (platform_id, member_id),
    )
    return [Chat(*row) async for row in cursor]


async def find_chats(connection: Connection, platform_id: UUID, chat_ids: Sequence[UUID]) -> dict[UUID, Chat]:
    """Find chats of a platform by their ids."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM member_chats WHERE platform_id = %s AND chat_id = ANY (%s)",  # noqa: S608 - a constant
        (platform_id, list(chat_ids)),
    )
    return {row[2]: Chat(*row) async for row in cursor}


async def find_open(
    connection: Connection, members: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], list[ChatRow]]:
    """Find the chats of members, given as (platform, member), that take messages; each member's newest first."""
    cursor = await connection.execute(
        f"SELECT {_ROW} FROM member_chats AS b"  # noqa: S608 - a constant
        " JOIN (SELECT DISTINCT * FROM unnest(%s::uuid[], %s::text[]) AS k (platform_id, member_id)) AS k"
        " USING (platform_id, member_id) WHERE b.gone_at IS NULL ORDER BY b.bound_at DESC, b.chat_id",
        ([platform_id for platform_id, _ in members], [member_id for _, member_id in members]),
    )
    found: dict[tuple[UUID, str], list[ChatRow]] = {}
    async for row in cursor:
        found.setdefault((row[0], row[1]), []).append(chat_row(row))
    return found


async def find_via(connection: Connection, platform_id: UUID, member_id: str, via: str) -> list[Chat]:
    """List the chats of a member whose code was made on the page of a seat."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM member_chats WHERE platform_id = %s AND member_id = %s AND via = %s",  # noqa: S608 - a constant
        (platform_id, member_id, via),
    )
    return [Chat(*row) async for row in cursor]


async def lock_identity(connection: Connection, platform_id: UUID, mark: bytes) -> None:
    """Have one transaction at a time bind a chat, which may not be there yet."""
    key = int.from_bytes(hashlib.sha256(platform_id.bytes + mark).digest()[:8], signed=True)
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (key,))


async def insert_chat(connection: Connection, row: ChatRow) -> None:
    """Bind a chat to a locked member."""
    chat = row.chat
    await connection.execute(
        "INSERT INTO member_chats (platform_id, chat_id, member_id, service, sealed, key_id, identity, via, bound_at,"
        " heard_at, acted_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            chat.platform_id,
            chat.chat_id,
            chat.member_id,
            chat.service,
            row.sealed,
            row.key_id,
            row.identity,
            row.via,
            chat.bound_at,
            chat.heard_at,
            chat.bound_at,
        ),
    )


async def delete_chats(connection: Connection, platform_id: UUID, chat_ids: Sequence[UUID]) -> list[Chat]:
    """Forget chats, and give them."""
    cursor = await connection.execute(
        f"DELETE FROM member_chats WHERE platform_id = %s AND chat_id = ANY (%s) RETURNING {_CHAT}",  # noqa: S608 - a constant
        (platform_id, list(chat_ids)),
    )
    return [Chat(*row) async for row in cursor]


async def note_heard(connection: Connection, chat: Chat, at: datetime) -> None:
    """Note that somebody wrote in a chat: whatever refused it before, it takes messages again."""
    await connection.execute(
        "UPDATE member_chats SET heard_at = greatest(heard_at, %s), gone_at = NULL, gone_why = ''"
        " WHERE platform_id = %s AND chat_id = %s",
        (at, chat.platform_id, chat.chat_id),
    )


async def note_act(connection: Connection, chat: Chat, at: datetime) -> bool:
    """Note a start or a stop; False where another one was said after it, and it has no effect any more."""
    cursor = await connection.execute(
        "UPDATE member_chats SET acted_at = %s WHERE platform_id = %s AND chat_id = %s AND acted_at <= %s RETURNING 1",
        (at, chat.platform_id, chat.chat_id, at),
    )
    return await cursor.fetchone() is not None


async def mark_gone(
    connection: Connection, rows: Sequence[tuple[UUID, UUID, str]], nows: Mapping[UUID, datetime]
) -> None:
    """Send nothing more to chats, given as (platform, chat, why), and the time of each, until somebody writes there."""
    await connection.cursor().executemany(
        "UPDATE member_chats SET gone_at = %s, gone_why = %s"
        " WHERE platform_id = %s AND chat_id = %s AND gone_at IS NULL",
        [(nows[platform_id], why, platform_id, chat_id) for platform_id, chat_id, why in sorted(rows)],
    )


async def find_sealed_otherwise(connection: Connection, key_id: str, limit: int) -> list[ChatRow]:
    """Lock chats that another key has sealed, passing by locked ones. Over all platforms."""
    cursor = await connection.execute(
        f"SELECT {_ROW} FROM member_chats AS b WHERE b.key_id <> %s"  # noqa: S608 - a constant
        " ORDER BY b.key_id, b.platform_id, b.chat_id LIMIT %s FOR UPDATE SKIP LOCKED",
        (key_id, limit),
    )
    return [chat_row(row) async for row in cursor]


async def seal_chats_anew(connection: Connection, rows: Sequence[ChatRow]) -> None:
    """Store locked chats as the key in use has sealed them."""
    await connection.cursor().executemany(
        "UPDATE member_chats SET sealed = %s, key_id = %s, identity = %s WHERE platform_id = %s AND chat_id = %s",
        [(row.sealed, row.key_id, row.identity, row.chat.platform_id, row.chat.chat_id) for row in rows],
    )


async def register_member(
    connection: Connection, platform_id: UUID, member_id: str, language: str, now: datetime
) -> None:
    """Register a member that is not yet; what is known of one stays."""
    await connection.execute(
        "INSERT INTO members (platform_id, member_id, language, time_zone, updated_at) VALUES (%s, %s, %s, '', %s)"
        " ON CONFLICT (platform_id, member_id) DO NOTHING",
        (platform_id, member_id, language, now),
    )


async def lock_members(connection: Connection, platform_id: UUID, member_ids: Collection[str]) -> None:
    """Lock members, in the order of their ids, before their chats: as who registers them anew does."""
    await connection.execute(
        "SELECT FROM members WHERE platform_id = %s AND member_id = ANY (%s) ORDER BY member_id FOR NO KEY UPDATE",
        (platform_id, sorted(member_ids)),
    )


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it is kept."""

    code_hash: bytes
    member_id: str
    via: str
    """The seat on whose page it was made; empty for none."""
    expires_at: datetime


async def insert_code(connection: Connection, platform_id: UUID, code: Code, most: int) -> None:
    """Keep a code of a member, and of those it has the newest alone."""
    await connection.execute(
        "WITH old AS (SELECT code_hash FROM chat_codes WHERE platform_id = %s AND member_id = %s"
        " ORDER BY expires_at DESC OFFSET %s)"
        " DELETE FROM chat_codes AS c USING old WHERE c.platform_id = %s AND c.code_hash = old.code_hash",
        (platform_id, code.member_id, most - 1, platform_id),
    )
    await connection.execute(
        "INSERT INTO chat_codes (platform_id, code_hash, member_id, via, expires_at) VALUES (%s, %s, %s, %s, %s)",
        (platform_id, code.code_hash, code.member_id, code.via, code.expires_at),
    )


async def use_code(
    connection: Connection, platform_id: UUID, code_hash: bytes, marks: Sequence[bytes], now: datetime
) -> tuple[str, str] | None:
    """Use a code for a chat; gives whose it is, and the seat on whose page it was made.

    None where it is none, is over or was used by another chat.
    """
    cursor = await connection.execute(
        "UPDATE chat_codes SET used_by = coalesce(used_by, %s) WHERE platform_id = %s AND code_hash = %s"
        " AND expires_at > %s AND (used_by IS NULL OR used_by = ANY (%s)) RETURNING member_id, via",
        (marks[0], platform_id, code_hash, now, list(marks)),
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


async def drop_codes(connection: Connection, platform_id: UUID, member_id: str, via: str) -> None:
    """Forget the codes of a member that were made on the page of a seat."""
    await connection.execute(
        "DELETE FROM chat_codes WHERE platform_id = %s AND member_id = %s AND via = %s", (platform_id, member_id, via)
    )


async def forget_codes(connection: Connection, before: datetime, limit: int) -> int:
    """Forget codes that were over before a time; returns how many. Over all platforms."""
    cursor = await connection.execute(
        "DELETE FROM chat_codes WHERE (platform_id, code_hash) IN (SELECT platform_id, code_hash FROM chat_codes"
        " WHERE expires_at < %s ORDER BY expires_at LIMIT %s) RETURNING 1",
        (before, limit),
    )
    return len(await cursor.fetchall())


async def find_live_seats(
    connection: Connection, platform_id: UUID, member_id: str, since: datetime, most: int
) -> list[tuple[UUID, UUID]]:
    """Find the live seats, as campaign and seat, that a member was told of since a time, those told of last first.

    A seat is found by the messages about it: there is one when it is taken, and seats have no index by member.
    """
    cursor = await connection.execute(
        "SELECT d.campaign_id, d.seat_id FROM deliveries AS d JOIN seats AS s"
        " ON s.campaign_id = d.campaign_id AND s.team_id = d.team_id AND s.seat_id = d.seat_id"
        " WHERE d.platform_id = %s AND d.member_id = %s AND d.created_at > %s AND s.platform_id = %s"
        " AND s.state IN ('WAITING', 'HELD', 'CONFIRMED') GROUP BY d.campaign_id, d.seat_id"
        " ORDER BY max(d.created_at) DESC, d.seat_id LIMIT %s",
        (platform_id, member_id, since, platform_id, most),
    )
    return [(row[0], row[1]) async for row in cursor]
