"""Listed teams that are forming: what FindTeam looks through."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, texts, uuids
from services.team_formation.domain import Team


async def list_teams(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, teams: Sequence[tuple[Team, int, int]]
) -> None:
    """Keep teams of a campaign on the list with the fill that is taken and the room that is left."""
    await connection.execute(
        "INSERT INTO listed_teams (campaign_id, team_id, platform_id, match_key, taken, room)"
        " SELECT %s, k.* FROM unnest(%s, %s, %s, %s, %s) AS k"
        " ON CONFLICT (campaign_id, team_id) DO UPDATE SET taken = excluded.taken, room = excluded.room",
        (
            campaign_id,
            uuids(team.team_id for team, _, _ in teams),
            uuids(team.platform_id for team, _, _ in teams),
            texts(team.match_key for team, _, _ in teams),
            bigints(taken for _, taken, _ in teams),
            bigints(room for _, _, room in teams),
        ),
    )


async def unlist_teams(connection: AsyncConnection[TupleRow], campaign_id: UUID, team_ids: Sequence[UUID]) -> None:
    """Take teams off the list."""
    await connection.execute(
        "DELETE FROM listed_teams WHERE campaign_id = %s AND team_id = ANY (%s)", (campaign_id, uuids(team_ids))
    )
