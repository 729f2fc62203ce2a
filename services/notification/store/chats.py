"""Private chats that members bound, and the codes by which they do, in SQL."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import MOST_CHATS, Chat
from services.notification.store.members import PointRow, insert_points

Connection: TypeAlias = AsyncConnection[TupleRow]

_CHAT = "platform_id, member_id, contact_id, channel, bound_at, heard_at, gone_why"


async def find_chat(connection: Connection, platform_id: UUID, marks: Sequence[bytes]) -> Chat | None:
    """Find the chat that one of some marks is of. It is changed under the lock of its member."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM contact_points WHERE platform_id = %s AND identity = ANY (%s)"  # noqa: S608 - a constant
        " ORDER BY bound_at DESC LIMIT 1",
        (platform_id, list(marks)),
    )
    row = await cursor.fetchone()
    return Chat(*row) if row else None


async def list_chats(connection: Connection, platform_id: UUID, member_id: str) -> list[Chat]:
    """List the chats of a member, the newest first."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM contact_points"  # noqa: S608 - a constant
        " WHERE platform_id = %s AND member_id = %s AND identity IS NOT NULL ORDER BY bound_at DESC, contact_id",
        (platform_id, member_id),
    )
    return [Chat(*row) async for row in cursor]


async def find_chats(connection: Connection, platform_id: UUID, chat_ids: Sequence[UUID]) -> dict[UUID, Chat]:
    """Find chats of a platform by their ids."""
    cursor = await connection.execute(
        f"SELECT {_CHAT} FROM contact_points"  # noqa: S608 - a constant
        " WHERE platform_id = %s AND contact_id = ANY (%s) AND identity IS NOT NULL",
        (platform_id, list(chat_ids)),
    )
    return {row[2]: Chat(*row) async for row in cursor}


async def lock_identity(connection: Connection, platform_id: UUID, mark: bytes) -> None:
    """Have one transaction at a time bind a chat, which may not be there yet."""
    key = int.from_bytes(hashlib.sha256(platform_id.bytes + mark).digest()[:8], signed=True)
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (key,))


async def insert_chat(connection: Connection, row: PointRow) -> None:
    """Bind a chat to a locked member: it is tried before every other contact point."""
    cursor = await connection.execute(
        "SELECT p.position FROM generate_series(-1, -%s, -1) AS p (position) WHERE NOT EXISTS (SELECT"
        " FROM contact_points AS c WHERE c.platform_id = %s AND c.member_id = %s AND c.position = p.position)"
        " ORDER BY p.position DESC LIMIT 1",
        (MOST_CHATS + 1, row.platform_id, row.member_id),
    )
    [(position,)] = await cursor.fetchall()
    await insert_points(connection, [replace(row, position=position)])


async def delete_chats(connection: Connection, platform_id: UUID, chat_ids: Sequence[UUID]) -> list[Chat]:
    """Forget chats, and give them."""
    cursor = await connection.execute(
        "DELETE FROM contact_points"  # noqa: S608 - a constant
        " WHERE platform_id = %s AND contact_id = ANY (%s) AND identity IS NOT NULL"
        f" RETURNING {_CHAT}",
        (platform_id, list(chat_ids)),
    )
    return [Chat(*row) async for row in cursor]


async def note_heard(connection: Connection, chat: Chat, at: datetime) -> None:
    """Note that somebody wrote in a chat: whatever refused it before, it takes messages again."""
    await connection.execute(
        "UPDATE contact_points SET heard_at = greatest(heard_at, %s), gone_at = NULL, gone_why = ''"
        " WHERE platform_id = %s AND contact_id = %s AND identity IS NOT NULL",
        (at, chat.platform_id, chat.chat_id),
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


async def insert_code(
    connection: Connection, platform_id: UUID, code_hash: bytes, member_id: str, expires_at: datetime, most: int
) -> None:
    """Keep a code of a member, and of those it has the newest alone."""
    await connection.execute(
        "WITH old AS (SELECT code_hash FROM chat_codes WHERE platform_id = %s AND member_id = %s"
        " ORDER BY expires_at DESC OFFSET %s)"
        " DELETE FROM chat_codes AS c USING old WHERE c.platform_id = %s AND c.code_hash = old.code_hash",
        (platform_id, member_id, most - 1, platform_id),
    )
    await connection.execute(
        "INSERT INTO chat_codes (platform_id, code_hash, member_id, expires_at) VALUES (%s, %s, %s, %s)",
        (platform_id, code_hash, member_id, expires_at),
    )


async def use_code(
    connection: Connection, platform_id: UUID, code_hash: bytes, marks: Sequence[bytes], now: datetime
) -> str | None:
    """Use a code for a chat, and give whose it is; None where it is none, is over or was used by another chat."""
    cursor = await connection.execute(
        "UPDATE chat_codes SET used_by = coalesce(used_by, %s) WHERE platform_id = %s AND code_hash = %s"
        " AND expires_at > %s AND (used_by IS NULL OR used_by = ANY (%s)) RETURNING member_id",
        (marks[0], platform_id, code_hash, now, list(marks)),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def forget_codes(connection: Connection, before: datetime, limit: int) -> int:
    """Forget codes that were over before a time; returns how many. Over all platforms."""
    cursor = await connection.execute(
        "DELETE FROM chat_codes WHERE (platform_id, code_hash) IN (SELECT platform_id, code_hash FROM chat_codes"
        " WHERE expires_at < %s ORDER BY expires_at LIMIT %s) RETURNING 1",
        (before, limit),
    )
    return len(await cursor.fetchall())


async def find_seats_told(
    connection: Connection, platform_id: UUID, member_id: str, since: datetime, most: int
) -> list[tuple[UUID, UUID]]:
    """Find the seats, as campaign and seat, that a member was last told of, the newest first."""
    cursor = await connection.execute(
        "SELECT campaign_id, seat_id FROM (SELECT campaign_id, seat_id, created_at FROM deliveries"
        " WHERE platform_id = %s AND member_id = %s AND created_at > %s"
        " ORDER BY created_at DESC, delivery_id DESC LIMIT 200) AS d"
        " WHERE seat_id <> '00000000-0000-0000-0000-000000000000' GROUP BY campaign_id, seat_id"
        " ORDER BY max(created_at) DESC LIMIT %s",
        (platform_id, member_id, since, most),
    )
    return [(row[0], row[1]) async for row in cursor]
