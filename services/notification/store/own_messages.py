"""Messages in a platform's own words, until they are written to all who have a tag, in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

Connection: TypeAlias = AsyncConnection[TupleRow]


class OwnMessage(NamedTuple):
    """A message in the platform's own words, and how far it is."""

    platform_id: UUID
    message_id: UUID
    kind: str
    tags: Sequence[str]
    texts: Sequence[Mapping[str, Any]]
    after_member: str


async def insert_own_message(connection: Connection, row: OwnMessage, now: datetime) -> None:
    """Keep a message whose members are written to later."""
    await connection.execute(
        "INSERT INTO own_messages (platform_id, message_id, kind, tags, texts, after_member, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (row.platform_id, row.message_id, row.kind, list(row.tags), Jsonb(list(row.texts)), row.after_member, now),
    )


async def lock_own_message(connection: Connection) -> OwnMessage | None:
    """Lock the oldest message that nobody works on; None where there is none."""
    cursor = await connection.execute(
        "SELECT platform_id, message_id, kind, tags, texts, after_member FROM own_messages"
        " ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    row = await cursor.fetchone()
    return OwnMessage(*row) if row else None


async def move_own_message(connection: Connection, row: OwnMessage, after_member: str | None) -> None:
    """Note how far a message is; with None it is written to all, and forgotten here."""
    key = row.platform_id, row.message_id
    if after_member is None:
        await connection.execute("DELETE FROM own_messages WHERE platform_id = %s AND message_id = %s", key)
        return
    await connection.execute(
        "UPDATE own_messages SET after_member = %s WHERE platform_id = %s AND message_id = %s", (after_member, *key)
    )


async def count_own_words(
    connection: Connection, platform_id: UUID, member_ids: Sequence[str], since: datetime
) -> dict[str, int]:
    """Count the messages in the platform's own words to registered members since a time; it locks the members."""
    cursor = await connection.execute(
        "SELECT m.member_id, (SELECT count(*) FROM deliveries AS d WHERE d.platform_id = m.platform_id"
        " AND d.member_id = m.member_id AND d.created_at > %s AND d.kind IN ('PERSONAL', 'ANNOUNCEMENT'))"
        " FROM members AS m WHERE m.platform_id = %s AND m.member_id = ANY(%s)"
        " ORDER BY m.member_id FOR NO KEY UPDATE OF m",
        (since, platform_id, sorted(member_ids)),
    )
    return {row[0]: row[1] async for row in cursor}
