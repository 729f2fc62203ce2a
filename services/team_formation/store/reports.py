"""Reports of a campaign, counted from its seats, looks and invites: one statement each, which locks nothing.

The statements are planned anew at each call (`prepare=False`): a plan for campaigns of any size is wrong for a big one.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.team_formation.domain.reports import (
    CampaignReport,
    Funnel,
    InviteReport,
    PromoterReport,
    ReportBy,
    ReportPart,
)

# What a seat, a look and an invite are counted under; NULL: under the campaign alone.
_KEYS = {
    ReportBy.DAY: ("(s.held_at AT TIME ZONE %(zone)s)::date", "o.day", "NULL::date"),
    ReportBy.CHANNEL: ("coalesce(i.channel, '')", "i.channel", "i.channel"),
    ReportBy.PROMOTER: ("coalesce(i.promoter_id, '')", "i.promoter_id", "i.promoter_id"),
    ReportBy.ITEM: ("s.sku", "NULL::text", "NULL::text"),
}
_INVITE = ("i.invite_id", "i.invite_id", "i.invite_id")
_FUNNEL = "sum(opened), sum(joined), sum(confirmed), sum(formed), sum(units), sum(amount), sum(expired), sum(gone)"


def _parts(keys: tuple[str, str, str], condition: str = "true") -> str:
    """Write the tables of a report, `parts` (key, numbers) the last.

    Seats are first counted by all that their price depends on, so that few rows meet the price table; those of formed
    teams alone have a team there. Teams that formed before their fill was kept have lost nobody since.
    """
    of_seat, of_look, of_invite = keys
    return f"""
WITH steps AS MATERIALIZED (
    SELECT t.terms_version, r.sku, r.role, s.threshold, s.unit_price,
        lead(s.threshold) OVER (PARTITION BY t.terms_version, r.sku, r.role ORDER BY s.threshold) AS below
    FROM campaign_terms AS t
    CROSS JOIN jsonb_to_recordset(t.price_table -> 'rows') AS r (sku text, role text, steps jsonb)
    CROSS JOIN jsonb_to_recordset(r.steps) AS s (threshold bigint, unit_price bigint)
    WHERE t.platform_id = %(platform_id)s AND t.campaign_id = %(campaign_id)s
), formed_teams AS (
    SELECT t.team_id, t.terms_version, coalesce(t.formed_fill, CASE p.price_table ->> 'basis'
        WHEN 'TEAM_UNITS' THEN t.confirmed_units ELSE t.confirmed_members END) AS fill
    FROM teams AS t JOIN campaign_terms AS p
        ON p.campaign_id = %(campaign_id)s AND p.terms_version = t.terms_version
    WHERE t.platform_id = %(platform_id)s AND t.campaign_id = %(campaign_id)s AND t.state = 'FORMED'
), alike AS (
    SELECT {of_seat} AS key, s.sku, s.role, s.cap, t.terms_version, t.fill,
        count(*) AS joined, count(s.confirmed_at) AS confirmed,
        count(t.team_id) AS formed, sum(s.quantity) FILTER (WHERE t.team_id IS NOT NULL) AS units,
        count(*) FILTER (WHERE s.release_reason = 'EXPIRED') AS expired,
        count(*) FILTER (WHERE s.release_reason IN ('LEFT', 'WITHDRAWN') OR s.state = 'DEFAULTED') AS gone,
        count(s.invite_id) AS invited
    FROM seats AS s
    LEFT JOIN formed_teams AS t ON t.team_id = s.team_id AND s.state = 'CONFIRMED'
    LEFT JOIN invites AS i ON i.platform_id = %(platform_id)s AND i.campaign_id = %(campaign_id)s
        AND i.invite_id = s.invite_id
    WHERE s.platform_id = %(platform_id)s AND s.campaign_id = %(campaign_id)s AND NOT s.sponsored AND {condition}
    GROUP BY 1, 2, 3, 4, 5, 6
), parts AS (
    SELECT a.key, 0 AS opened, a.joined, a.confirmed, a.formed, coalesce(a.units, 0) AS units,
        coalesce(a.units * least(a.cap, p.unit_price), 0) AS amount, a.expired, a.gone, 0 AS invites, a.invited
    FROM alike AS a LEFT JOIN steps AS p ON p.terms_version = a.terms_version AND p.sku = a.sku AND p.role = a.role
        AND p.threshold <= a.fill AND (p.below IS NULL OR p.below > a.fill)
    UNION ALL
    SELECT {of_look}, sum(o.opened), 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM invite_opens AS o JOIN invites AS i ON i.platform_id = %(platform_id)s
        AND i.campaign_id = %(campaign_id)s AND i.invite_id = o.invite_id
    WHERE o.platform_id = %(platform_id)s AND o.campaign_id = %(campaign_id)s AND {condition} GROUP BY 1
    UNION ALL
    SELECT {of_invite}, 0, 0, 0, 0, 0, 0, 0, 0, count(*), 0
    FROM invites AS i
    WHERE i.platform_id = %(platform_id)s AND i.campaign_id = %(campaign_id)s AND {condition} GROUP BY 1
)"""  # noqa: S608 - keys and conditions are constants below


_CAMPAIGN = {
    by: f"{_parts(keys)} SELECT key, {_FUNNEL}, sum(invites), sum(invited) FROM parts GROUP BY key"  # noqa: S608 - constants
    for by, keys in _KEYS.items()
}
_PROMOTER = f"""{_parts(_INVITE, "i.promoter_id = %(promoter_id)s")}
SELECT i.invite_id, i.channel, i.commission_basis_points, {_FUNNEL}
FROM parts AS p JOIN invites AS i ON i.campaign_id = %(campaign_id)s AND i.invite_id = p.key
GROUP BY i.invite_id, i.channel, i.commission_basis_points, i.created_at ORDER BY i.created_at, i.invite_id"""  # noqa: S608 - constants


async def report_campaign(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, by: ReportBy, zone: str
) -> CampaignReport:
    """Count a campaign of a platform in parts; days are those of an IANA time zone, UTC where none is named."""
    values = {"platform_id": platform_id, "campaign_id": campaign_id, "zone": zone or "UTC"}
    cursor = await connection.execute(_CAMPAIGN[by], values, prepare=False)
    return CampaignReport(tuple([_part(row) async for row in cursor]))


async def report_promoter(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, promoter_id: str
) -> PromoterReport:
    """Count what each invite of a promoter brought in a campaign of a platform."""
    values = {"platform_id": platform_id, "campaign_id": campaign_id, "promoter_id": promoter_id}
    cursor = await connection.execute(_PROMOTER, values, prepare=False)
    return PromoterReport(tuple([_invite(*row) async for row in cursor]))


def _part(row: tuple[Any, ...]) -> ReportPart:
    key, *numbers, invites, invited = row
    return ReportPart(key.isoformat() if isinstance(key, date) else key, _funnel(numbers), int(invites), int(invited))


def _invite(invite_id: UUID, channel: str, basis_points: int, *numbers: Decimal) -> InviteReport:
    return InviteReport(invite_id, channel, basis_points, _funnel(numbers))


def _funnel(numbers: Iterable[Decimal]) -> Funnel:
    return Funnel(*map(int, numbers))
