"""Turns of cards in one chat, where a service limits a chat: one is changed at a time, the others each have a time.

Whoever calls holds the lock of the way's pace, so that no two processes give turns of the same chat.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, byteas, texts, times, uuids
from services.team_formation.store.chat_previews import Claimed

Chat: TypeAlias = tuple[str, str, int]
"""App, way and number."""
_MILLISECOND = timedelta(milliseconds=1)


async def find_turns(connection: AsyncConnection[TupleRow], chats: Sequence[Chat]) -> dict[Chat, datetime]:
    """Find when what was changed in chats has had its time; without those that were never paced."""
    cursor = await connection.execute(
        "SELECT app_id, way, chat, free_at FROM chat_paces JOIN unnest(%s, %s, %s) AS k (app_id, way, chat)"
        " USING (app_id, way, chat)",
        _names(chats),
    )
    return {(row[0], row[1], row[2]): row[3] async for row in cursor}


async def keep_turns(connection: AsyncConnection[TupleRow], turns: Mapping[Chat, datetime]) -> None:
    """Have nothing changed in chats until a time; what was said before of a later one holds."""
    chats = sorted(turns)
    await connection.execute(
        "INSERT INTO chat_paces AS p (app_id, way, platform_id, free_at, chat)"
        " SELECT app_id, way, o.platform_id, k.free_at, k.chat FROM unnest(%s, %s, %s, %s)"
        " AS k (app_id, way, chat, free_at) JOIN chat_paces AS o USING (app_id, way) WHERE o.chat = 0"
        " ON CONFLICT (app_id, way, chat) DO UPDATE SET free_at = greatest(p.free_at, excluded.free_at)",
        (*_names(chats), times(turns[chat] for chat in chats)),
    )


async def line_up(
    connection: AsyncConnection[TupleRow],
    held: Sequence[Claimed],
    chats: Mapping[Chat, tuple[datetime, timedelta]],
    now: datetime,
) -> None:
    """Give claimed cards back, and each card that is due in their chats its own time.

    `chats` says of each from when, and how far apart. A finder over all platforms.
    """
    ordered = sorted(held, key=lambda one: (one.campaign_id, one.team_id, one.app_id, one.place))
    await connection.execute(
        "UPDATE chat_previews AS v SET due_at = %s, next_at = %s FROM unnest(%s, %s, %s, %s, %s)"
        " AS k (campaign_id, team_id, app_id, place, claim) WHERE v.campaign_id = k.campaign_id"
        " AND v.team_id = k.team_id AND v.app_id = k.app_id AND v.place = k.place AND v.claim = k.claim",
        (
            now,
            now,
            uuids(one.campaign_id for one in ordered),
            uuids(one.team_id for one in ordered),
            texts(one.app_id for one in ordered),
            byteas(one.place for one in ordered),
            bigints(one.claim for one in ordered),
        ),
    )
    names = sorted(chats)
    await connection.execute(
        "WITH due AS MATERIALIZED (SELECT d.*, k.free_at, k.apart FROM unnest(%s, %s, %s, %s, %s)"
        " AS k (app_id, way, chat, free_at, apart) CROSS JOIN LATERAL (SELECT campaign_id, team_id, app_id, place, way,"
        " chat, due_at FROM chat_previews AS v WHERE v.wants AND v.chat <> 0 AND v.app_id = k.app_id AND v.way = k.way"
        " AND v.chat = k.chat AND v.due_at <= %s ORDER BY v.due_at FOR UPDATE SKIP LOCKED) AS d),"
        " turns AS (SELECT *, free_at + apart * interval '1 millisecond' * (row_number() OVER"
        " (PARTITION BY app_id, way, chat ORDER BY due_at, place) - 1) AS turn FROM due)"
        " UPDATE chat_previews AS v SET due_at = k.turn, next_at = k.turn FROM turns AS k"
        " WHERE v.campaign_id = k.campaign_id AND v.team_id = k.team_id AND v.app_id = k.app_id AND v.place = k.place",
        (
            *_names(names),
            times(chats[one][0] for one in names),
            bigints(chats[one][1] // _MILLISECOND for one in names),
            now,
        ),
    )


def _names(chats: Sequence[Chat]) -> tuple[object, ...]:
    return texts(app for app, _, _ in chats), texts(way for _, way, _ in chats), bigints(chat for *_, chat in chats)
