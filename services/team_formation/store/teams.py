"""Teams."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.team_formation.domain import Team, TeamState, Totals

_COLUMNS = (
    "t.campaign_id, t.team_id, t.platform_id, t.terms_version, t.state, t.version, t.confirmed_members,"
    " t.confirmed_units, t.held_members, t.held_units, t.opened_at, t.ends_at, t.due_at, t.opener_member_id,"
    " t.external_ref, t.ended_at"
)


async def lock_teams(
    connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID, UUID]]
) -> dict[tuple[UUID, UUID], Team]:
    """Lock teams named by platform, campaign and team, in id order; those of another platform are not there."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS k (platform_id, campaign_id, team_id)"
        " USING (platform_id, campaign_id, team_id) ORDER BY t.campaign_id, t.team_id FOR UPDATE OF t",
        columns(ids),
    )
    return {(row[0], row[1]): _team(row) async for row in cursor}


async def find_team(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, team_id: UUID
) -> Team | None:
    """Find one team of a platform."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " WHERE t.platform_id = %s AND t.campaign_id = %s AND t.team_id = %s",
        (platform_id, campaign_id, team_id),
    )
    row = await cursor.fetchone()
    return _team(row) if row else None


async def find_teams(connection: AsyncConnection[TupleRow], newer_than: Sequence[tuple[UUID, UUID, int]]) -> list[Team]:
    """Find those of the teams, named by campaign, team and version, that have a newer version."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS k (campaign_id, team_id, version)"
        " ON t.campaign_id = k.campaign_id AND t.team_id = k.team_id AND t.version > k.version",
        columns(newer_than),
    )
    return [_team(row) async for row in cursor]


async def find_due(connection: AsyncConnection[TupleRow], now: datetime, limit: int) -> list[tuple[UUID, UUID, UUID]]:
    """Find open teams to look at, the longest due first: platform, campaign, team."""
    cursor = await connection.execute(
        "SELECT platform_id, campaign_id, team_id FROM teams"
        " WHERE state IN ('FORMING', 'TIPPED') AND due_at <= %s ORDER BY due_at LIMIT %s",
        (now, limit),
    )
    return [(platform_id, campaign_id, team_id) async for platform_id, campaign_id, team_id in cursor]


async def insert_teams(connection: AsyncConnection[TupleRow], teams: Sequence[Team]) -> None:
    """Store new teams."""
    await connection.execute(
        "INSERT INTO teams (campaign_id, team_id, platform_id, terms_version, state, version, confirmed_members,"
        " confirmed_units, held_members, held_units, opened_at, ends_at, due_at, opener_member_id, external_ref,"
        " ended_at)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::bigint[],"
        " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],"
        " %s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[])",
        columns([_row(team) for team in teams]),
    )


async def save_teams(connection: AsyncConnection[TupleRow], teams: Sequence[Team]) -> None:
    """Store what can change of teams that are locked."""
    rows = [
        (
            team.campaign_id,
            team.team_id,
            team.state,
            team.version,
            team.totals.confirmed_members,
            team.totals.confirmed_units,
            team.totals.held_members,
            team.totals.held_units,
            team.due_at,
            team.ended_at,
        )
        for team in teams
    ]
    await connection.execute(
        "UPDATE teams AS t SET state = k.state, version = k.version, confirmed_members = k.confirmed_members,"
        " confirmed_units = k.confirmed_units, held_members = k.held_members, held_units = k.held_units,"
        " due_at = k.due_at, ended_at = k.ended_at"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
        " %s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS k (campaign_id, team_id, state, version,"
        " confirmed_members, confirmed_units, held_members, held_units, due_at, ended_at)"
        " WHERE t.campaign_id = k.campaign_id AND t.team_id = k.team_id",
        columns(rows),
    )


def _row(team: Team) -> tuple[object, ...]:
    totals = team.totals
    return (
        team.campaign_id,
        team.team_id,
        team.platform_id,
        team.terms_version,
        team.state,
        team.version,
        totals.confirmed_members,
        totals.confirmed_units,
        totals.held_members,
        totals.held_units,
        team.opened_at,
        team.ends_at,
        team.due_at,
        team.opener_member_id,
        team.external_ref,
        team.ended_at,
    )


def _team(row: TupleRow) -> Team:
    return Team(
        campaign_id=row[0],
        team_id=row[1],
        platform_id=row[2],
        terms_version=row[3],
        state=TeamState(row[4]),
        version=row[5],
        totals=Totals(row[6], row[7], row[8], row[9]),
        opened_at=row[10],
        ends_at=row[11],
        due_at=row[12],
        opener_member_id=row[13],
        external_ref=row[14],
        ended_at=row[15],
    )
