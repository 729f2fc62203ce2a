"""Holds and teams that end soon, in SQL: each is found once, by its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import TWINS_ALONE
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


_HOLDS = (
    "SELECT campaign_id, team_id, seat_id, platform_id, member_id, quantity, hold_until, seat_id, hold_until FROM seats"
    " WHERE state = 'HELD' AND (hold_until, seat_id) > (%(reached)s, %(after)s) AND hold_until <= %(until)s{whose}"
    " ORDER BY hold_until, seat_id LIMIT %(limit)s"
)
_TEAMS = (
    "SELECT campaign_id, team_id, platform_id, version,"
    " CASE WHEN state = 'FORMING' THEN greatest(minimum - fill, 0) ELSE 0 END, ends_at, team_id, ends_at FROM teams"
    " WHERE state IN ('FORMING', 'TIPPED') AND (ends_at, team_id) > (%(reached)s, %(after)s) AND ends_at <= %(until)s"
    "{whose} ORDER BY ends_at, team_id LIMIT %(limit)s"
)
_OF_TWIN = f" AND platform_id = %(whose)s AND {TWINS_ALONE}"


async def take_ending_holds(connection: Connection, until: datetime, limit: int) -> list[EndingHold]:
    """Give holds that run out before a time and were not given before, in order; none where another has the mark."""
    rows = await _take(connection, Kind.HOLD_ENDING, until, limit, _HOLDS.format(whose=""))
    return [EndingHold(*row[:-2]) for row in rows]


async def take_ending_teams(connection: Connection, until: datetime, limit: int) -> list[EndingTeam]:
    """Give open teams that end before a time and were not given before, in order; none where another has the mark."""
    rows = await _take(connection, Kind.TIME_RUNNING_OUT, until, limit, _TEAMS.format(whose=""))
    return [EndingTeam(*row[:-2]) for row in rows]


async def take_ending_holds_of(connection: Connection, twin: UUID, until: datetime, limit: int) -> list[EndingHold]:
    """Give holds of a twin whose clock is ahead: it has a mark of its own."""
    rows = await _take_of(connection, twin, Kind.HOLD_ENDING, until, limit, _HOLDS.format(whose=_OF_TWIN))
    return [EndingHold(*row[:-2]) for row in rows]


async def take_ending_teams_of(connection: Connection, twin: UUID, until: datetime, limit: int) -> list[EndingTeam]:
    """Give open teams of a twin whose clock is ahead: it has a mark of its own."""
    rows = await _take_of(connection, twin, Kind.TIME_RUNNING_OUT, until, limit, _TEAMS.format(whose=_OF_TWIN))
    return [EndingTeam(*row[:-2]) for row in rows]


async def _take(connection: Connection, name: str, until: datetime, limit: int, query: Any) -> list[tuple[Any, ...]]:
    """Run a query between the mark and a time; its last two columns are the id and the end that the mark moves to."""
    cursor = await connection.execute(
        "SELECT reached, after_id FROM reminder_marks WHERE name = %s FOR UPDATE SKIP LOCKED", (name,)
    )
    mark = await cursor.fetchone()
    if mark is None:
        return []
    between = {"reached": mark[0], "after": mark[1], "until": until, "limit": limit}
    rows = await (await connection.execute(query, between)).fetchall()
    await connection.execute(
        "UPDATE reminder_marks SET reached = %s, after_id = %s WHERE name = %s",
        (*_moved(rows, mark[0], until, limit), name),
    )
    return rows


async def _take_of(
    connection: Connection, twin: UUID, name: str, until: datetime, limit: int, query: Any
) -> list[tuple[Any, ...]]:
    """Do the same for a twin; the first time its mark stands where that of all does."""
    await connection.execute(
        "INSERT INTO twin_reminder_marks (platform_id, name, reached, after_id)"
        " VALUES (%s, %s, (SELECT reached FROM reminder_marks WHERE name = %s),"
        " (SELECT after_id FROM reminder_marks WHERE name = %s)) ON CONFLICT DO NOTHING",
        (twin, name, name, name),
    )
    cursor = await connection.execute(
        "SELECT reached, after_id FROM twin_reminder_marks WHERE platform_id = %s AND name = %s FOR UPDATE SKIP LOCKED",
        (twin, name),
    )
    mark = await cursor.fetchone()
    if mark is None:
        return []
    between = {"reached": mark[0], "after": mark[1], "until": until, "limit": limit, "whose": twin}
    rows = await (await connection.execute(query, between)).fetchall()
    await connection.execute(
        "UPDATE twin_reminder_marks SET reached = %s, after_id = %s WHERE platform_id = %s AND name = %s",
        (*_moved(rows, mark[0], until, limit), twin, name),
    )
    return rows


def _moved(rows: Sequence[tuple[Any, ...]], reached: datetime, until: datetime, limit: int) -> tuple[datetime, UUID]:
    """Tell where a mark stands after a page."""
    if len(rows) == limit:
        after_id, end = rows[-1][-2:]
        return end, after_id
    return max(until, reached), _LAST
