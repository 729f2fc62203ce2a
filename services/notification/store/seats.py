"""The copy of seats in SQL."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind, bigints, packed, texts, times, uuids
from services.chassis.rows import Asked, ask, marks, put
from services.notification.domain import Audience, Role, Seat, SeatState, Team
from services.notification.store.jobs import Job

Connection: TypeAlias = AsyncConnection[TupleRow]

_SEAT = """s.seat_id, s.member_id, s.sku, s.quantity, s.role, s.cap, s.state, s.hold_until, s.confirmed_version,
    s.released_version, s.taken_version, s.reduced_version, s.cap_tally_seq"""

# Which seats were of an audience at a version of their team. A row from before 0.2.0 has no taken_version: it is not
# known since when it is live, and whoever has a seat now is told.
_OF = {
    Audience.COUNTED: "s.confirmed_version <= %(version)s"
    " AND (s.released_version IS NULL OR s.released_version > %(version)s)",
    Audience.LIVE: "coalesce(s.taken_version, 0) <= %(version)s"
    " AND (s.released_version IS NULL OR s.released_version > %(version)s)",
    Audience.WAITING: "s.state = 'WAITING' AND s.taken_version <= %(version)s",
}


async def ask_seats(connection: Connection, keys: Sequence[tuple[UUID, UUID, UUID]]) -> Asked[Seat]:
    """Ask for seats, given as (campaign, team, seat), of teams that are locked; both may be asked for in one breath."""
    return await ask(
        connection,
        f"SELECT {_SEAT} FROM seats AS s JOIN unnest(%s, %s, %s) AS k (campaign_id, team_id, seat_id)"  # noqa: S608
        " USING (campaign_id, team_id, seat_id)",
        [tuple(uuids(key[at] for key in keys) for at in range(3))],
        _seat,
    )


async def find_audience(
    connection: Connection, audience: Audience, team: tuple[UUID, UUID], version: int, after: UUID | None, limit: int
) -> list[Seat]:
    """Read the seats of a team, given as (campaign, team), that were of an audience at its version.

    In the order of their ids, from behind `after`. Who waits is asked for at a team's end alone: nobody does later.
    """
    cursor = await connection.execute(
        f"SELECT {_SEAT} FROM seats AS s WHERE s.campaign_id = %(campaign)s AND s.team_id = %(team)s"  # noqa: S608
        f" AND {_OF[audience]} AND s.seat_id > %(after)s ORDER BY s.seat_id LIMIT %(limit)s",
        {"campaign": team[0], "team": team[1], "version": version, "after": after or UUID(int=0), "limit": limit},
    )
    return [_seat(row) async for row in cursor]


async def find_campaign_audience(
    connection: Connection, job: Job, ladder_version: int, limit: int
) -> list[tuple[UUID, Seat]]:
    """Read the confirmed seats, with their teams, of all open teams of a job's campaign that have a ladder.

    In the order of teams and seats, from behind where the job stands. Whose cap was read at the job's tally, or at a
    later one, joined at the price that it tells.
    """
    cursor = await connection.execute(
        f"SELECT t.team_id, {_SEAT} FROM teams AS t CROSS JOIN LATERAL (SELECT * FROM seats AS o"  # noqa: S608
        " WHERE o.campaign_id = %(campaign)s AND o.team_id = t.team_id AND o.state = 'CONFIRMED'"
        " AND o.cap_tally_seq < %(tally)s AND (o.seat_id > %(after_seat)s OR t.team_id > %(after_team)s)"
        " ORDER BY o.seat_id LIMIT %(limit)s) AS s WHERE t.campaign_id = %(campaign)s AND t.platform_id = %(platform)s"
        " AND t.team_id >= %(after_team)s AND t.state IN ('FORMING', 'TIPPED') AND t.ladder_version = %(ladder)s"
        " ORDER BY t.team_id, s.seat_id LIMIT %(limit)s",
        {
            "platform": job.platform_id,
            "campaign": job.campaign_id,
            "ladder": ladder_version,
            "tally": job.team_version,
            "after_team": job.after_team or UUID(int=0),
            "after_seat": job.after_seat or UUID(int=0),
            "limit": limit,
        },
    )
    return [(row[0], _seat(row[1:])) async for row in cursor]


def _seat(row: Sequence[Any]) -> Seat:
    seat_id, member_id, sku, quantity, role, cap, state, *rest = row
    return Seat(seat_id, member_id, sku, quantity, Role(role), cap, SeatState(state), *rest)


_KINDS: Final[Sequence[Kind]] = (
    *[uuids] * 4,
    texts,
    texts,
    bigints,
    texts,
    bigints,
    texts,
    times,
    *[bigints] * 5,
)
_SAVE = (
    "INSERT INTO seats (campaign_id, team_id, seat_id, platform_id, member_id, sku, quantity, role, cap, state,"  # noqa: S608 - constants
    " hold_until, confirmed_version, released_version, taken_version, reduced_version, cap_tally_seq)"
    f" SELECT * FROM unnest({marks(len(_KINDS))})"
    " ON CONFLICT (campaign_id, team_id, seat_id) DO UPDATE SET state = excluded.state, cap = excluded.cap,"
    " quantity = excluded.quantity, role = excluded.role, hold_until = excluded.hold_until,"
    " confirmed_version = excluded.confirmed_version, released_version = excluded.released_version,"
    " taken_version = excluded.taken_version, reduced_version = excluded.reduced_version,"
    " cap_tally_seq = excluded.cap_tally_seq"
)


async def save_seats(connection: Connection, rows: Sequence[tuple[Team, Seat]]) -> None:
    """Save seats of teams that are locked."""
    if rows:
        await put(connection, _SAVE, [packed(_KINDS, (_seat_values(team, seat) for team, seat in rows))])


def _seat_values(team: Team, seat: Seat) -> tuple[object, ...]:
    return (
        team.campaign_id,
        team.team_id,
        seat.seat_id,
        team.platform_id,
        seat.member_id,
        seat.sku,
        seat.quantity,
        seat.role,
        seat.cap,
        seat.state,
        seat.hold_until,
        seat.confirmed_version,
        seat.released_version,
        seat.taken_version,
        seat.reduced_version,
        seat.cap_tally_seq,
    )
