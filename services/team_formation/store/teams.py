"""Teams, by campaign."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, texts, times, uuids
from services.chassis.rows import Asked, ask, marks, put
from services.chassis.twins import TWINS_ALONE
from services.team_formation.domain import Team, TeamState, Totals

COLUMNS = (
    "t.campaign_id, t.team_id, t.platform_id, t.terms_version, t.state, t.version, t.confirmed_members,"
    " t.confirmed_units, t.held_members, t.held_units, t.waiting_members, t.waiting_units, t.sponsored_members,"
    " t.sponsored_units, t.opened_at, t.ends_at, t.due_at, t.opener_member_id, t.external_ref, t.ended_at, t.deadline,"
    " t.leader_seat_id, t.overflow_team_id, t.overflow_of, t.match_key, t.formed_fill"
)
_STATES = {state.value: state for state in TeamState}


async def lock_teams(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID], Sequence[UUID]]]
) -> Asked[tuple[Team, int]]:
    """Lock teams of campaigns, named or by a seat of theirs, in id order, and tell the campaign's version with each.

    Wanted: platform, campaign, teams, seats. Another platform's teams are not there.
    """
    return await ask(
        connection,
        f"SELECT {COLUMNS}, (SELECT c.sequence FROM campaigns AS c WHERE c.campaign_id = %s AND c.platform_id = %s)"  # noqa: S608 - a constant
        " FROM (SELECT n.team_id FROM unnest(%s) AS n (team_id) UNION"
        " SELECT o.team_id FROM unnest(%s) AS l (seat_id) CROSS JOIN LATERAL (SELECT s.team_id FROM seats AS s"
        " WHERE s.campaign_id = %s AND s.platform_id = %s AND s.seat_id = l.seat_id OFFSET 0) AS o"
        " ORDER BY team_id) AS k"
        " CROSS JOIN LATERAL (SELECT * FROM teams AS u WHERE u.campaign_id = %s AND u.platform_id = %s"
        " AND u.team_id = k.team_id FOR UPDATE) AS t",
        [
            (campaign, platform, uuids(teams), uuids(seats), campaign, platform, campaign, platform)
            for platform, campaign, teams, seats in wanted
        ],
        lambda row: (team_of(row), row[-1]),
    )


async def lock_free_teams(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[UUID]]]
) -> Asked[Team]:
    """Lock those of the teams, by campaign, that nobody else has locked: not in order, so that it must never wait."""
    return await ask(
        connection,
        f"SELECT {COLUMNS} FROM unnest(%s) AS k (team_id)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM teams AS u WHERE u.campaign_id = %s AND u.team_id = k.team_id"
        " FOR UPDATE SKIP LOCKED) AS t",
        [(uuids(teams), campaign) for campaign, teams in wanted],
        team_of,
    )


def is_team_race(error: psycopg.Error) -> bool:
    """Tell whether an error means that another transaction has inserted the same team since it was looked for."""
    return isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name == "teams_pkey"


async def find_team(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, team_id: UUID
) -> Team | None:
    """Find one team of a platform."""
    cursor = await connection.execute(
        f"SELECT {COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " WHERE t.platform_id = %s AND t.campaign_id = %s AND t.team_id = %s",
        (platform_id, campaign_id, team_id),
        binary=True,
    )
    row = await cursor.fetchone()
    return team_of(row) if row else None


_DUE = (
    "(SELECT platform_id, campaign_id, team_id, held_members, due_at FROM teams"
    " WHERE state IN ('FORMING', 'TIPPED') AND {due} ORDER BY due_at LIMIT %(limit)s)"
    " UNION ALL (SELECT platform_id, campaign_id, team_id, held_members, due_at FROM teams"
    " WHERE state = 'FORMED' AND waiting_members > 0 AND {due} ORDER BY due_at LIMIT %(limit)s)"
)
_DUE_OF_ALL = _DUE.format(due="due_at <= %(now)s")
# the index has twins alone: nobody else's clock is ahead, and what is due in weeks elsewhere must not be read
_DUE_OF_TWINS = _DUE.format(due=f"{TWINS_ALONE} AND platform_id = k.whose AND due_at > %(now)s AND due_at <= k.now")


async def find_due(
    connection: AsyncConnection[TupleRow], now: datetime, ahead: Mapping[UUID, datetime], limit: int
) -> list[tuple[UUID, UUID, UUID, int]]:
    """Find teams to look at, the longest due first: platform, campaign, team, seats that are held there.

    Open ones, and formed ones in which somebody waits still; by the machine's time, or that of their platform, which
    may be ahead. A finder: it names no campaign.
    """
    cursor = await connection.execute(
        f"SELECT * FROM ({_DUE_OF_ALL} UNION ALL SELECT own.* FROM unnest(%(whose)s::uuid[], %(nows)s::timestamptz[])"  # noqa: S608 - constants
        f" AS k (whose, now) CROSS JOIN LATERAL ({_DUE_OF_TWINS}) AS own) AS due ORDER BY due_at LIMIT %(limit)s",
        {"now": now, "whose": list(ahead), "nows": list(ahead.values()), "limit": limit},
        binary=True,
    )
    return [(row[0], row[1], row[2], row[3]) async for row in cursor]


async def count_opened(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, Sequence[str]]]
) -> Asked[tuple[str, int]]:
    """Count the teams that members of campaigns have opened and that did not come to nothing."""
    return await ask(
        connection,
        "SELECT m.member_id, t.opened FROM unnest(%s) AS m (member_id) CROSS JOIN LATERAL"
        " (SELECT count(*) AS opened FROM teams AS o WHERE o.campaign_id = %s AND o.opener_member_id = m.member_id"
        " AND o.state IN ('FORMING', 'TIPPED', 'FORMED')) AS t",
        [(texts(members), campaign) for campaign, members in wanted],
        lambda row: (row[0], row[1]),
    )


_CHANGING = (
    "state, version, confirmed_members, confirmed_units, held_members, held_units, waiting_members, waiting_units,"
    " sponsored_members, sponsored_units, ends_at, due_at, ended_at, leader_seat_id, overflow_team_id, formed_fill"
)
_INSERT = (
    "INSERT INTO teams (campaign_id, team_id, platform_id, terms_version, opened_at, opener_member_id, external_ref,"  # noqa: S608 - constants
    f" deadline, overflow_of, match_key, {_CHANGING}) SELECT %s, k.* FROM unnest({marks(25)}) AS k"
)


async def insert_teams(connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, Sequence[Team]]]) -> None:
    """Store new teams, by campaign."""
    await put(connection, _INSERT, [(campaign, *_columns(own)) for campaign, own in teams])


_UPDATE = (
    f"{_INSERT} ON CONFLICT (campaign_id, team_id) DO UPDATE"
    f" SET ({_CHANGING}) = ROW (excluded.{_CHANGING.replace(', ', ', excluded.')})"
)


async def update_teams(connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, Sequence[Team]]]) -> None:
    """Store what can change of teams that are locked, by campaign.

    As an insert that meets them: each is found by its key, whatever the planner thinks of the campaign's size.
    """
    await put(connection, _UPDATE, [(campaign, *_columns(own)) for campaign, own in teams])


async def wake_waiting(connection: AsyncConnection[TupleRow], campaigns: Sequence[tuple[UUID, datetime]]) -> None:
    """Have teams looked at in which somebody waits who fits and whose item is left, as of the times given.

    Their campaigns' stock is locked, which all who lock such teams lock first: so this never waits. A team is due from
    when it opened on: at once, whatever its platform's clock says.
    """
    await put(
        connection,
        "UPDATE teams AS t SET due_at = t.opened_at FROM campaign_terms AS r WHERE t.campaign_id = %s"
        " AND t.state IN ('FORMING', 'TIPPED') AND t.waiting_members > 0 AND t.due_at > %s AND r.campaign_id = %s"
        " AND r.terms_version = t.terms_version AND EXISTS (SELECT FROM seats AS w JOIN stock AS k"
        " ON k.campaign_id = %s AND k.sku = w.sku WHERE w.campaign_id = %s AND w.team_id = t.team_id"
        " AND w.state = 'WAITING' AND w.quantity <= k.offered - k.taken AND CASE r.counted_in WHEN 'MEMBERS'"
        " THEN t.confirmed_members + t.held_members + 1 ELSE t.confirmed_units + t.held_units + w.quantity END"
        " <= r.maximum)",
        [(campaign, now, campaign, campaign, campaign) for campaign, now in campaigns],
    )


def _columns(teams: Sequence[Team]) -> tuple[object, ...]:
    return (
        uuids(team.team_id for team in teams),
        uuids(team.platform_id for team in teams),
        bigints(team.terms_version for team in teams),
        times(team.opened_at for team in teams),
        texts(team.opener_member_id for team in teams),
        texts(team.external_ref for team in teams),
        times(team.deadline for team in teams),
        uuids(team.overflow_of for team in teams),
        texts(team.match_key for team in teams),
        *_changing(teams),
    )


def _changing(teams: Sequence[Team]) -> tuple[object, ...]:
    totals = [team.totals for team in teams]
    return (
        texts(team.state for team in teams),
        bigints(team.version for team in teams),
        bigints(item.confirmed_members for item in totals),
        bigints(item.confirmed_units for item in totals),
        bigints(item.held_members for item in totals),
        bigints(item.held_units for item in totals),
        bigints(item.waiting_members for item in totals),
        bigints(item.waiting_units for item in totals),
        bigints(item.sponsored_members for item in totals),
        bigints(item.sponsored_units for item in totals),
        times(team.ends_at for team in teams),
        times(team.due_at for team in teams),
        times(team.ended_at for team in teams),
        uuids(team.leader_seat_id for team in teams),
        uuids(team.overflow_team_id for team in teams),
        bigints(team.formed_fill for team in teams),
    )


def team_of(row: TupleRow) -> Team:
    """Make a team of a row of COLUMNS."""
    return Team(
        row[0],
        row[1],
        row[2],
        row[3],
        _STATES[row[4]],
        row[5],
        Totals(row[6], row[7], row[8], row[9], row[10], row[11], row[12], row[13]),
        row[14],
        row[15],
        row[16],
        row[17],
        row[18],
        row[19],
        row[20],
        row[21],
        row[22],
        row[23],
        row[24],
        row[25],
    )
