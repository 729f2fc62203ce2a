"""Holds and teams that end soon, in SQL: each is found once, by its end."""

from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import Kind

Connection: TypeAlias = AsyncConnection[TupleRow]

_LAST = UUID(int=2**128 - 1)


class EndingHold(NamedTuple):
    """A hold that runs out soon."""

    campaign_id: UUID
    team_id: UUID
    seat_id: UUID
    platform_id: UUID
    member_id: str
    quantity: int
    hold_until: datetime


class EndingTeam(NamedTuple):
    """A team that ends soon."""

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    version: int
    missing: int
    ends_at: datetime


async def take_ending_holds(connection: Connection, until: datetime, limit: int) -> list[EndingHold]:
    """Give holds that run out before a time and were not given before, in order; none where another has the mark."""
    rows = await _take(
        connection,
        Kind.HOLD_ENDING,
        until,
        limit,
        "SELECT campaign_id, team_id, seat_id, platform_id, member_id, quantity, hold_until, seat_id, hold_until"
        " FROM seats WHERE state = 'HELD' AND (hold_until, seat_id) > (%s, %s) AND hold_until <= %s"
        " ORDER BY hold_until, seat_id LIMIT %s",
    )
    return [EndingHold(*row[:-2]) for row in rows]


async def take_ending_teams(connection: Connection, until: datetime, limit: int) -> list[EndingTeam]:
    """Give open teams that end before a time and were not given before, in order; none where another has the mark."""
    rows = await _take(
        connection,
        Kind.TIME_RUNNING_OUT,
        until,
        limit,
        "SELECT campaign_id, team_id, platform_id, version,"
        " CASE WHEN state = 'FORMING' THEN greatest(minimum - fill, 0) ELSE 0 END, ends_at, team_id, ends_at"
        " FROM teams WHERE state IN ('FORMING', 'TIPPED') AND (ends_at, team_id) > (%s, %s) AND ends_at <= %s"
        " ORDER BY ends_at, team_id LIMIT %s",
    )
    return [EndingTeam(*row[:-2]) for row in rows]


async def _take(connection: Connection, name: str, until: datetime, limit: int, query: Any) -> list[tuple[Any, ...]]:
    """Run a query between the mark and a time; its last two columns are the id and the end that the mark moves to."""
    cursor = await connection.execute(
        "SELECT reached, after_id FROM reminder_marks WHERE name = %s FOR UPDATE SKIP LOCKED", (name,)
    )
    mark = await cursor.fetchone()
    if mark is None:
        return []
    rows = await (await connection.execute(query, (*mark, until, limit))).fetchall()
    after_id, reached = rows[-1][-2:] if len(rows) == limit else (_LAST, max(until, mark[0]))
    await connection.execute(
        "UPDATE reminder_marks SET reached = %s, after_id = %s WHERE name = %s", (reached, after_id, name)
    )
    return rows
