"""Holds and teams that end soon, in SQL: each is found once, by its end."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import TWINS_ALONE
from services.notification.domain import Kind

Connection: TypeAlias = AsyncConnection[TupleRow]

HOLD_LEAD: Final = timedelta(minutes=4)
"""So long before a hold runs out its member is told; one that is shorter is not told of at all."""
TEAM_LEAD: Final = timedelta(minutes=25)
"""So long before a team ends its members are told; of a team that is open for less they are not."""
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


async def take_ending_holds(
    connection: Connection, until: datetime, limit: int, twin: UUID | None = None
) -> list[EndingHold]:
    """Give holds that run out before a time and were not given before, in order; none where another has the mark.

    Of all platforms, or of a twin whose clock is ahead: it has a mark of its own.
    """
    rows = await _take(connection, Kind.HOLD_ENDING, until, limit, twin, _HOLDS)
    return [EndingHold(*row[:-2]) for row in rows]


async def take_ending_teams(
    connection: Connection, until: datetime, limit: int, twin: UUID | None = None
) -> list[EndingTeam]:
    """Give open teams that end before a time and were not given before, as `take_ending_holds` does."""
    rows = await _take(connection, Kind.TIME_RUNNING_OUT, until, limit, twin, _TEAMS)
    return [EndingTeam(*row[:-2]) for row in rows]


async def _take(
    connection: Connection, name: str, until: datetime, limit: int, twin: UUID | None, query: str
) -> list[tuple[Any, ...]]:
    """Run a query between the mark and a time; its last two columns are the id and the end that the mark moves to."""
    mark = await (_lock_mark_of(connection, name, twin) if twin else _lock_mark(connection, name))
    if mark is None:
        return []
    between = {"reached": mark[0], "after": mark[1], "until": until, "limit": limit, "whose": twin}
    written = query.format(whose=_OF_TWIN if twin else "")
    rows = await (await connection.execute(written.encode(), between)).fetchall()
    after_id, reached = rows[-1][-2:] if len(rows) == limit else (_LAST, max(until, mark[0]))
    await (
        _move_mark_of(connection, name, twin, reached, after_id)
        if twin
        else _move_mark(connection, name, reached, after_id)
    )
    return rows


async def _lock_mark(connection: Connection, name: str) -> TupleRow | None:
    cursor = await connection.execute(
        "SELECT reached, after_id FROM reminder_marks WHERE name = %s FOR UPDATE SKIP LOCKED", (name,)
    )
    return await cursor.fetchone()


async def _move_mark(connection: Connection, name: str, reached: datetime, after_id: UUID) -> None:
    await connection.execute(
        "UPDATE reminder_marks SET reached = %s, after_id = %s WHERE name = %s", (reached, after_id, name)
    )


async def _lock_mark_of(connection: Connection, name: str, twin: UUID) -> TupleRow | None:
    """Lock the mark of a twin; the first time it stands where that of all does."""
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
    return await cursor.fetchone()


async def _move_mark_of(connection: Connection, name: str, twin: UUID, reached: datetime, after_id: UUID) -> None:
    await connection.execute(
        "UPDATE twin_reminder_marks SET reached = %s, after_id = %s WHERE platform_id = %s AND name = %s",
        (reached, after_id, twin, name),
    )
