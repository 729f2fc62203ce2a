"""What a promoter's page needs besides reports: its campaigns, and the commission of teams under way."""

from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.team_formation.store.reports import OWN, PRICE, STEPS

# From one campaign to the one before it, without a look at the invites in between.
_CAMPAIGNS = """
WITH RECURSIVE theirs AS (
    (SELECT i.campaign_id FROM invites AS i WHERE i.platform_id = %(platform_id)s AND i.promoter_id <> ''
        AND i.promoter_id = %(whose)s AND (%(before)s::uuid IS NULL OR i.campaign_id < %(before)s)
        ORDER BY i.campaign_id DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT i.campaign_id FROM invites AS i WHERE i.platform_id = %(platform_id)s AND i.promoter_id <> ''
        AND i.promoter_id = %(whose)s AND i.campaign_id < t.campaign_id ORDER BY i.campaign_id DESC LIMIT 1)
    FROM theirs AS t WHERE t.campaign_id IS NOT NULL
)
SELECT campaign_id FROM theirs WHERE campaign_id IS NOT NULL LIMIT %(limit)s"""

_UNDER_WAY = f"""
WITH {STEPS}, alike AS (
    SELECT s.sku, s.role, s.cap, s.commission_basis_points AS rate, t.terms_version,
        CASE p.price_table ->> 'basis' WHEN 'TEAM_UNITS' THEN t.confirmed_units WHEN 'CAMPAIGN_UNITS' THEN
            coalesce((SELECT y.units FROM tallies AS y WHERE y.campaign_id = %(campaign_id)s), 0)
            ELSE t.confirmed_members END AS fill,
        {OWN} AS own, sum(s.quantity) AS units
    FROM invites AS i
    JOIN seats AS s ON s.platform_id = %(platform_id)s AND s.campaign_id = %(campaign_id)s AND s.invite_id = i.invite_id
        AND s.state = 'CONFIRMED' AND NOT s.sponsored AND s.commission_basis_points > 0
    JOIN teams AS t ON t.platform_id = %(platform_id)s AND t.campaign_id = %(campaign_id)s AND t.team_id = s.team_id
        AND t.state IN ('FORMING', 'TIPPED')
    JOIN campaign_terms AS p ON p.campaign_id = %(campaign_id)s AND p.terms_version = t.terms_version
    WHERE i.platform_id = %(platform_id)s AND i.campaign_id = %(campaign_id)s AND i.promoter_id <> ''
        AND i.promoter_id = %(whose)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT coalesce(sum(a.units * div({PRICE} * a.rate + 5000, 10000)), 0)
FROM alike AS a LEFT JOIN steps AS p ON p.terms_version = a.terms_version AND p.sku = a.sku AND p.role = a.role
    AND p.threshold <= a.fill AND (p.below IS NULL OR p.below > a.fill)"""  # noqa: S608 - a constant


async def list_promoted(
    connection: AsyncConnection[TupleRow], platform_id: UUID, promoter_id: str, before: UUID | None, limit: int
) -> list[UUID]:
    """List campaigns of a platform in which a promoter has invites, those created last first, before a campaign."""
    values = {"platform_id": platform_id, "whose": promoter_id, "before": before, "limit": limit}
    cursor = await connection.execute(_CAMPAIGNS, values, prepare=False)
    return [row[0] for row in await cursor.fetchall()]


async def sum_under_way(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, promoter_id: str
) -> int:
    """Sum up what a promoter would earn if its teams under way formed at the prices of now; minor units.

    Rounded as pricing does, once for a unit.
    """
    values = {"platform_id": platform_id, "campaign_id": campaign_id, "whose": promoter_id}
    cursor = await connection.execute(_UNDER_WAY, values, prepare=False)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def has_promoted(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, promoter_id: str
) -> bool:
    """Tell whether a promoter has an invite in a campaign of a platform."""
    cursor = await connection.execute(
        "SELECT 1 FROM invites AS i WHERE i.platform_id = %s AND i.campaign_id = %s AND i.promoter_id <> ''"
        " AND i.promoter_id = %s LIMIT 1",
        (platform_id, campaign_id, promoter_id),
    )
    return await cursor.fetchone() is not None


async def has_invite(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, promoter_id: str, invite_id: UUID
) -> bool:
    """Tell whether an invite in a campaign of a platform is a promoter's."""
    cursor = await connection.execute(
        "SELECT 1 FROM invites AS i WHERE i.platform_id = %s AND i.campaign_id = %s AND i.promoter_id <> ''"
        " AND i.promoter_id = %s AND i.invite_id = %s",
        (platform_id, campaign_id, promoter_id, invite_id),
    )
    return await cursor.fetchone() is not None


async def list_rates(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, promoter_id: str
) -> tuple[int, ...]:
    """List what a promoter's invites earn in a campaign, in hundredths of a percent, ascending; those that earn."""
    cursor = await connection.execute(
        "SELECT DISTINCT i.commission_basis_points FROM invites AS i WHERE i.platform_id = %s AND i.campaign_id = %s"
        " AND i.promoter_id <> '' AND i.promoter_id = %s AND i.commission_basis_points > 0 ORDER BY 1",
        (platform_id, campaign_id, promoter_id),
    )
    return tuple(int(row[0]) for row in await cursor.fetchall())
