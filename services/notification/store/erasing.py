"""Erasing a member: addresses, chats, words and messages are gone, and its id is replaced in what stays."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.erased_rows import Erased

Connection = AsyncConnection[TupleRow]

Rename = Callable[[str, bytes], bytes]
"""Replaces the id in an event, given the word or topic that says what it is."""

_FORGET = (
    *(
        f"DELETE FROM {table} WHERE platform_id = %(platform)s AND member_id = %(old)s"  # noqa: S608 - constants
        for table in (
            "contact_points",
            "member_chats",
            "chat_codes",
            "member_messages",
            "start_reminders",
            "captured",
            "members",
        )
    ),
    "DELETE FROM promoter_days WHERE platform_id = %(platform)s AND promoter_id = %(old)s",
    # a body with another name in it would not be the one that was signed
    "DELETE FROM captured WHERE platform_id = %(platform)s AND kind = 'WEBHOOK' AND position(%(named)s IN posted) > 0",
    "DELETE FROM platform_events WHERE platform_id = %(platform)s AND subject = %(subject)s",
)

_REPLACE = (
    (
        "UPDATE seats SET member_id = %(new)s WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s"
        " AND platform_id = %(platform)s"
    ),
    (
        "UPDATE attempts AS a SET provider_id = '', detail = '' FROM deliveries AS d WHERE d.platform_id = %(platform)s"
        " AND d.member_id = %(old)s AND a.campaign_id = d.campaign_id AND a.delivery_id = d.delivery_id"
    ),
    (
        "UPDATE deliveries SET subject = '', body = '', link = '', link_label = '', member_id = %(new)s,"
        " state = CASE WHEN state = 'PENDING' THEN 'SUPPRESSED' ELSE state END,"
        " reason = CASE WHEN state = 'PENDING' THEN 'the member was erased' ELSE reason END,"
        " ended_at = coalesce(ended_at, %(now)s), claim_id = CASE WHEN state = 'PENDING' THEN NULL ELSE claim_id END"
        " WHERE platform_id = %(platform)s AND member_id = %(old)s"
    ),
)

# Messages of before are forgotten whole: the id of one is made from whom it was for. Attempts that were on their way at
# the first pass are recorded by the second.
_FORGET_MESSAGES = (
    (
        "DELETE FROM attempts AS a USING deliveries AS d WHERE d.platform_id = %(platform)s AND d.member_id = %(new)s"
        " AND a.campaign_id = d.campaign_id AND a.delivery_id = d.delivery_id"
    ),
    "DELETE FROM deliveries WHERE platform_id = %(platform)s AND member_id = %(new)s",
)


async def replace_member(
    connection: Connection, erased: Erased, subject: str, named: bytes, now: datetime, rename: Rename
) -> None:
    """Forget how a member is reached and what it wrote, and replace its id.

    `subject` is that of its words' events, `named` its id as posts that were captured have it.
    """
    values: dict[str, Any] = {
        "platform": erased.platform_id,
        "campaigns": list(erased.campaigns),
        "old": erased.member_id,
        "new": erased.pseudonym,
        "subject": subject,
        "named": named,
        "now": now,
    }
    for statement in (*_FORGET, *_REPLACE, *(_FORGET_MESSAGES if erased.passes else ())):
        await connection.execute(statement, values)
    await _rename_jobs(connection, erased, rename)
    await _rename_events(connection, erased, rename)


async def _rename_jobs(connection: Connection, erased: Erased, rename: Rename) -> None:
    cursor = await connection.execute(
        "SELECT campaign_id, team_id, topic, sequence, value FROM fanout_jobs"
        " WHERE platform_id = %s AND position(%s IN value) > 0 FOR UPDATE",
        (erased.platform_id, erased.member_id.encode()),
    )
    for *key, value in await cursor.fetchall():
        await connection.execute(
            "UPDATE fanout_jobs SET value = %s WHERE campaign_id = %s AND team_id = %s AND topic = %s"
            " AND sequence = %s",
            (rename(key[2], value), *key),
        )


async def _rename_events(connection: Connection, erased: Erased, rename: Rename) -> None:
    cursor = await connection.execute(
        "SELECT position, event_id, type, value FROM platform_events"
        " WHERE platform_id = %s AND position(%s IN value) > 0",
        (erased.platform_id, erased.member_id.encode()),
    )
    changed: list[UUID] = []
    for position, event_id, kind, value in await cursor.fetchall():
        await connection.execute(
            "UPDATE platform_events SET value = %s WHERE platform_id = %s AND position = %s",
            (rename(kind, value), erased.platform_id, position),
        )
        changed.append(event_id)
    await connection.execute(
        "UPDATE webhook_attempts SET answer = '' WHERE platform_id = %s AND event_id = ANY(%s)",
        (erased.platform_id, changed),
    )
