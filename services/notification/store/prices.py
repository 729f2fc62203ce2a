"""The copy of prices in SQL."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import PriceRow, Team, TeamPrice
from services.notification.store.jobs import ALL_TEAMS

Connection: TypeAlias = AsyncConnection[TupleRow]


async def save_prices(connection: Connection, rows: Sequence[PriceRow]) -> None:
    """Store prices; one that is known at a later version stays. What it can fall to is said when a team opens only."""
    await connection.cursor().executemany(
        "INSERT INTO team_prices AS p (campaign_id, team_id, platform_id, version, ladder_version, unit_price, several,"
        " best) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (campaign_id, team_id, ladder_version)"
        " DO UPDATE SET version = greatest(p.version, excluded.version), best = greatest(p.best, excluded.best),"
        " unit_price = CASE WHEN p.version < excluded.version THEN excluded.unit_price ELSE p.unit_price END,"
        " several = CASE WHEN p.version < excluded.version THEN excluded.several ELSE p.several END",
        [
            (
                row.campaign_id,
                row.team_id,
                row.platform_id,
                row.version,
                row.ladder_version,
                row.price.now,
                row.price.several,
                row.price.best,
            )
            for row in sorted(rows, key=lambda row: (row.campaign_id, row.team_id, row.version))
        ],
    )


async def find_prices(
    connection: Connection, teams: Sequence[Team]
) -> Mapping[tuple[UUID, UUID], tuple[int, TeamPrice]]:
    """Read prices of teams with their versions, by campaign and team; a campaign's where it moves the team's."""
    cursor = await connection.execute(
        "SELECT k.campaign_id, k.team_id, p.version, p.unit_price, p.several,"
        " (SELECT best FROM team_prices AS o WHERE o.campaign_id = k.campaign_id AND o.team_id = k.team_id"
        "  AND o.ladder_version = 0)"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[]) AS k (campaign_id, team_id, of, ladder_version)"
        " JOIN team_prices AS p ON p.campaign_id = k.campaign_id AND p.team_id = k.of"
        " AND p.ladder_version = k.ladder_version",
        (
            [team.campaign_id for team in teams],
            [team.team_id for team in teams],
            [ALL_TEAMS if _of_campaign(team) else team.team_id for team in teams],
            [team.opened.ladder_version if team.opened and _of_campaign(team) else 0 for team in teams],
        ),
    )
    return {(row[0], row[1]): (row[2], TeamPrice(row[3], row[4], row[5] or 0)) async for row in cursor}


def _of_campaign(team: Team) -> bool:
    return team.opened is not None and team.opened.of_campaign
