"""What watchers look for: keys with new events, teams by id, and the sums of a campaign's teams."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import uuids
from services.chassis.rows import Rows
from services.team_formation.domain import Team, TeamState, Totals
from services.team_formation.store.teams import COLUMNS, team_of


@dataclass(frozen=True, slots=True)
class TeamSums:
    """Teams of a campaign in one state with one version of the terms: how many, their versions and totals added up."""

    state: TeamState
    terms_version: int
    teams: int
    versions: int
    most_members: int
    """The most confirmed members that one of them has."""
    most_units: int
    """The most confirmed units that one of them has."""
    totals: Totals


async def find_told(connection: AsyncConnection[TupleRow], after: int, floor: datetime) -> Rows[tuple[str, int]]:
    """Find the keys of teams and campaigns with events after a position of the outbox, and the last number of each.

    A finder: it names no campaign.
    """
    cursor = await connection.execute(
        "SELECT aggregateid, max(sequence) FROM outbox WHERE position > %s AND created_at >= %s"
        " AND aggregatetype IN ('groupbuy.team.v1', 'groupbuy.campaign.v1') GROUP BY aggregateid",
        (after, floor),
        binary=True,
    )
    return Rows(cursor, lambda row: (row[0], row[1]))


async def find_teams(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, team_ids: Sequence[UUID]
) -> Rows[Team]:
    """Find teams of a campaign by id."""
    cursor = await connection.execute(
        f"SELECT {COLUMNS} FROM teams AS t"  # noqa: S608 - a constant
        " WHERE t.campaign_id = %s AND t.platform_id = %s AND t.team_id = ANY (%s)",
        (campaign_id, platform_id, uuids(team_ids)),
        binary=True,
    )
    return Rows(cursor, team_of)


async def sum_teams(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> Rows[TeamSums]:
    """Sum up all teams of a campaign by state and version of the terms, in one snapshot."""
    cursor = await connection.execute(
        "SELECT t.state, t.terms_version, count(*), sum(t.version)::bigint, max(t.confirmed_members),"
        " max(t.confirmed_units), sum(t.confirmed_members)::bigint,"
        " sum(t.confirmed_units)::bigint, sum(t.held_members)::bigint, sum(t.held_units)::bigint,"
        " sum(t.waiting_members)::bigint, sum(t.waiting_units)::bigint, sum(t.sponsored_members)::bigint,"
        " sum(t.sponsored_units)::bigint FROM teams AS t WHERE t.campaign_id = %s AND t.platform_id = %s"
        " GROUP BY t.state, t.terms_version",
        (campaign_id, platform_id),
        binary=True,
    )
    return Rows(cursor, _sums_of)


def _sums_of(row: TupleRow) -> TeamSums:
    return TeamSums(TeamState(row[0]), row[1], row[2], row[3], row[4], row[5], Totals(*row[6:]))
