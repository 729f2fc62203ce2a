"""What pricing counted of campaigns whose units, all teams together, fill a ladder: the last tally of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, uuids
from services.chassis.rows import Asked, Rows, ask, put
from services.team_formation.domain import NO_TALLY, Tally


@dataclass(frozen=True, slots=True)
class CampaignTally:
    """A tally of a platform's campaign."""

    platform_id: UUID
    campaign_id: UUID
    tally: Tally


async def apply_tallies(connection: AsyncConnection[TupleRow], tallies: Sequence[CampaignTally], now: datetime) -> int:
    """Keep the tallies of campaigns that fill a ladder of theirs, one of each; returns how many those are.

    How many steps of the price tables are reached, of all versions of the terms, changes whenever a price does.
    """
    ordered = sorted(tallies, key=lambda item: item.campaign_id)
    cursor = await connection.execute(
        "INSERT INTO tallies AS y (campaign_id, platform_id, seq, units, reached, applied_at, turned_at)"
        " SELECT k.campaign_id, k.platform_id, k.seq, k.units, r.reached, %s, %s"
        " FROM unnest(%s, %s, %s, %s) AS k (campaign_id, platform_id, seq, units) CROSS JOIN LATERAL"
        " (SELECT count(*) AS reached FROM campaign_terms AS t CROSS JOIN"
        " jsonb_to_recordset(t.price_table -> 'rows') AS p (steps jsonb)"
        " CROSS JOIN jsonb_to_recordset(p.steps) AS s (threshold bigint) WHERE t.campaign_id = k.campaign_id"
        " AND t.platform_id = k.platform_id AND t.price_table ->> 'basis' = 'CAMPAIGN_UNITS'"
        " AND s.threshold <= k.units) AS r WHERE r.reached > 0 ON CONFLICT (campaign_id) DO UPDATE"
        " SET seq = excluded.seq, units = excluded.units, reached = excluded.reached, applied_at = excluded.applied_at,"
        " turned_at = CASE WHEN y.reached = excluded.reached THEN y.turned_at ELSE excluded.turned_at END"
        " WHERE y.seq < excluded.seq RETURNING 1",
        (
            now,
            now,
            uuids(item.campaign_id for item in ordered),
            uuids(item.platform_id for item in ordered),
            bigints(item.tally.seq for item in ordered),
            bigints(item.tally.units for item in ordered),
        ),
    )
    return len(await cursor.fetchall())


async def fix_teams(
    connection: AsyncConnection[TupleRow], fixed: Sequence[tuple[UUID, Sequence[tuple[UUID, int]]]]
) -> None:
    """Keep what final prices of formed teams are read at, by campaign: team, units; locked in order of their ids."""
    await put(
        connection,
        "UPDATE teams AS t SET formed_fill = k.units FROM (SELECT o.team_id, f.units"
        " FROM unnest(%s, %s) AS f (team_id, units) CROSS JOIN LATERAL (SELECT u.team_id FROM teams AS u"
        " WHERE u.campaign_id = %s AND u.team_id = f.team_id AND u.formed_fill IS NULL FOR UPDATE) AS o) AS k"
        " WHERE t.campaign_id = %s AND t.team_id = k.team_id",
        [
            (uuids(team for team, _ in ordered), bigints(units for _, units in ordered), campaign, campaign)
            for campaign, teams in sorted(fixed)
            if (ordered := sorted(teams))
        ],
    )


async def load_tallies(connection: AsyncConnection[TupleRow], campaigns: Sequence[UUID]) -> Asked[Tally]:
    """Load the last tally of each campaign; none where there was none yet."""
    return await ask(
        connection,
        "SELECT y.seq, y.units FROM tallies AS y WHERE y.campaign_id = %s",
        [(campaign,) for campaign in campaigns],
        lambda row: Tally(row[0], row[1]),
    )


async def find_tally(connection: AsyncConnection[TupleRow], campaign_id: UUID) -> Tally:
    """Find the last tally of a campaign."""
    found = await (await load_tallies(connection, [campaign_id])).one()
    return found[0] if found else NO_TALLY


async def find_turned(connection: AsyncConnection[TupleRow], since: datetime) -> Rows[tuple[UUID, datetime]]:
    """Find campaigns whose tallies have turned prices since a time, and when they did last.

    A finder: it names no campaign.
    """
    cursor = await connection.execute(
        "SELECT campaign_id, turned_at FROM tallies WHERE turned_at >= %s", (since,), binary=True
    )
    return Rows(cursor, lambda row: (row[0], row[1]))
