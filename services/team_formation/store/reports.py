"""Reports of a campaign, counted from its seats, looks and invites: one statement each, which locks nothing.

Each gives the sums of everything, in a row without a key, and a page of the parts. The statements are planned anew at
each call (`prepare=False`): a plan for campaigns of any size is wrong for a big one.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.team_formation.domain.reports import (
    CampaignReport,
    Funnel,
    InviteReport,
    InvitesReport,
    ReportBy,
    ReportPart,
)

# What a seat, a look and an invite are counted under; NULL: under the campaign alone.
_KEYS = {
    ReportBy.DAY: ("(s.held_at AT TIME ZONE %(zone)s)::date", "o.day", "NULL::date"),
    ReportBy.CHANNEL: ("coalesce(i.channel, '')", "i.channel", "i.channel"),
    ReportBy.PROMOTER: ("coalesce(i.promoter_id, '')", "i.promoter_id", "i.promoter_id"),
    ReportBy.ITEM: ("s.sku", "NULL::text", "NULL::text"),
    ReportBy.MEMBER: ("coalesce(i.member_id, '')", "i.member_id", "i.member_id"),
}
_INVITE = ("i.invite_id", "i.invite_id", "i.invite_id")
_FUNNEL = ("opened", "joined", "confirmed", "formed", "units", "amount", "expired", "gone")
_COUNTS = ", ".join(_FUNNEL)
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in _FUNNEL)
_TOTALS = ", ".join(f"coalesce(sum({name}), 0)" for name in _FUNNEL)

STEPS = """steps AS MATERIALIZED (
    SELECT t.terms_version, r.sku, r.role, s.threshold, s.unit_price,
        lead(s.threshold) OVER (PARTITION BY t.terms_version, r.sku, r.role ORDER BY s.threshold) AS below
    FROM campaign_terms AS t
    CROSS JOIN jsonb_to_recordset(t.price_table -> 'rows') AS r (sku text, role text, steps jsonb)
    CROSS JOIN jsonb_to_recordset(r.steps) AS s (threshold bigint, unit_price bigint)
    WHERE t.platform_id = %(platform_id)s AND t.campaign_id = %(campaign_id)s
)"""
"""The prices of a campaign, each from its threshold to the one that it holds below; NULL where it holds for good."""

PRICE = """least(a.cap, coalesce((
    SELECT (o.step ->> 1)::bigint FROM jsonb_array_elements(a.own) AS o (step) WHERE (o.step ->> 0)::bigint <= a.fill
    ORDER BY (o.step ->> 0)::bigint DESC LIMIT 1
), p.unit_price))"""
"""What a unit costs: by the steps of the quote of the seat, if it has any, else by the campaign; at most the cap."""

OWN = "s.quote::jsonb -> 2"
"""Those steps, as store/quotes.py writes them."""


def _parts(keys: tuple[str, str, str], condition: str = "true") -> str:
    """Write the tables of a report, `parts` (key, numbers) the last.

    Seats are first counted by all that their price depends on, so that few rows meet the price table; those of formed
    teams alone have a team there. Teams that formed before their fill was kept have lost nobody since.
    """
    of_seat, of_look, of_invite = keys
    return f"""
WITH {STEPS}, formed_teams AS (
    SELECT t.team_id, t.terms_version, coalesce(t.formed_fill, CASE p.price_table ->> 'basis'
        WHEN 'TEAM_UNITS' THEN t.confirmed_units WHEN 'CAMPAIGN_UNITS' THEN coalesce((SELECT y.units
            FROM tallies AS y WHERE y.campaign_id = t.campaign_id), 0) ELSE t.confirmed_members END) AS fill
    FROM teams AS t JOIN campaign_terms AS p
        ON p.campaign_id = t.campaign_id AND p.terms_version = t.terms_version
    WHERE t.platform_id = %(platform_id)s AND t.campaign_id = %(campaign_id)s AND t.state = 'FORMED'
), alike AS (
    SELECT {of_seat} AS key, s.sku, s.role, s.cap, t.terms_version, t.fill, {OWN} AS own,
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
    GROUP BY 1, 2, 3, 4, 5, 6, 7
), parts AS (
    SELECT a.key, 0 AS opened, a.joined, a.confirmed, a.formed, coalesce(a.units, 0) AS units,
        coalesce(a.units * {PRICE}, 0) AS amount, a.expired, a.gone, 0 AS invites, a.invited
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


def _campaign(by: ReportBy) -> str:
    """Write the report of a campaign: the key, the funnel, invites made and seats taken by them."""
    key = "to_char(key, 'YYYY-MM-DD')" if by is ReportBy.DAY else "key"
    return f"""{_parts(_KEYS[by])}, grouped AS MATERIALIZED (
    SELECT {key} AS key, {_SUMS}, sum(invites) AS invites, sum(invited) AS invited FROM parts GROUP BY 1
)
SELECT NULL AS key, {_TOTALS}, coalesce(sum(invites), 0), coalesce(sum(invited), 0) FROM grouped
UNION ALL
SELECT * FROM (
    SELECT key, {_COUNTS}, invites, invited FROM grouped
    WHERE key IS NOT NULL AND (%(after)s::text IS NULL OR key COLLATE "C" > %(after)s)
    ORDER BY key COLLATE "C" LIMIT %(limit)s
) AS page"""  # noqa: S608 - constants


def _invites(condition: str, *, newest: bool = False) -> str:
    """Write the report of some invites: the id, what it earns, the whole commission, the funnel.

    A page has them in the order they were made, or the newest of them.
    """
    after, order = ("<", "key DESC") if newest else (">", "key")
    return f"""{_parts(_INVITE, condition)}, grouped AS MATERIALIZED (
    SELECT p.key, i.channel, i.commission_basis_points AS rate, {_SUMS}
    FROM parts AS p JOIN invites AS i ON i.campaign_id = %(campaign_id)s AND i.invite_id = p.key GROUP BY 1, 2, 3
)
SELECT NULL::uuid AS key, '', 0, coalesce(sum(div(amount * rate + 5000, 10000)), 0), {_TOTALS} FROM grouped
UNION ALL
SELECT * FROM (
    SELECT key, channel, rate, 0, {_COUNTS} FROM grouped
    WHERE %(after)s::uuid IS NULL OR key {after} %(after)s ORDER BY {order} LIMIT %(limit)s
) AS page"""  # noqa: S608 - constants


_CAMPAIGN = {by: _campaign(by) for by in ReportBy}
_OF_PROMOTER = _invites("i.promoter_id = %(whose)s")
_NEWEST_OF_PROMOTER = _invites("i.promoter_id = %(whose)s", newest=True)
_OF_MEMBER = _invites("i.member_id = %(whose)s")
_OF_INVITE = _invites("i.invite_id = %(whose)s")


async def report_campaign(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    by: ReportBy,
    zone: str,
    after: str | None = None,
    limit: int | None = None,
) -> CampaignReport:
    """Count a campaign of a platform, in parts after a key.

    Days are those of an IANA time zone, UTC where none is named.
    """
    values = {
        "platform_id": platform_id,
        "campaign_id": campaign_id,
        "zone": zone or "UTC",
        "after": after,
        "limit": limit,
    }
    cursor = await connection.execute(_CAMPAIGN[by], values, prepare=False)
    total, rows = _parted(await cursor.fetchall())
    *funnel, invites, invited = total
    return CampaignReport(_funnel(funnel), int(invites), int(invited), tuple(map(_part, rows)))


async def report_promoter(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    promoter_id: str,
    after: UUID | None = None,
    limit: int | None = None,
) -> InvitesReport:
    """Count what the invites of a promoter brought in a campaign of a platform, one by one after an invite."""
    return await _report(connection, _OF_PROMOTER, platform_id, campaign_id, promoter_id, after, limit)


async def report_newest(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    promoter_id: str,
    before: UUID | None = None,
    limit: int = 0,
) -> InvitesReport:
    """Count as report_promoter does; the invites of a page are the newest before an invite, in the order of making."""
    return await _report(connection, _NEWEST_OF_PROMOTER, platform_id, campaign_id, promoter_id, before, limit)


async def report_member(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    member_id: str,
    after: UUID | None = None,
    limit: int | None = None,
) -> InvitesReport:
    """Count what the invites of a member brought in a campaign of a platform, one by one after an invite."""
    return await _report(connection, _OF_MEMBER, platform_id, campaign_id, member_id, after, limit)


async def report_invite(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, invite_id: UUID
) -> InviteReport | None:
    """Count what an invite of a platform brought; None where there is no such invite."""
    found = await _report(connection, _OF_INVITE, platform_id, campaign_id, invite_id, None, 1)
    return found.invites[0] if found.invites else None


async def _report(
    connection: AsyncConnection[TupleRow],
    statement: str,
    platform_id: UUID,
    campaign_id: UUID,
    whose: str | UUID,
    after: UUID | None,
    limit: int | None,
) -> InvitesReport:
    values = {
        "platform_id": platform_id,
        "campaign_id": campaign_id,
        "whose": whose,
        "after": after,
        "limit": limit,
    }
    cursor = await connection.execute(statement, values, prepare=False)
    total, rows = _parted(await cursor.fetchall())
    _, _, commission, *funnel = total
    return InvitesReport(_funnel(funnel), int(commission), tuple(map(_invite, rows)))


def _parted(found: Iterable[tuple[Any, ...]]) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Part the sums of everything, which have no key, from the rows, in order of their keys."""
    rows = list(found)
    [total] = [row[1:] for row in rows if row[0] is None]
    return total, sorted((row for row in rows if row[0] is not None), key=lambda row: row[0])


def _part(row: tuple[Any, ...]) -> ReportPart:
    key, *numbers, invites, _ = row
    return ReportPart(key, _funnel(numbers), int(invites))


def _invite(row: tuple[Any, ...]) -> InviteReport:
    invite_id, channel, basis_points, _, *numbers = row
    return InviteReport(invite_id, channel, basis_points, _funnel(numbers))


def _funnel(numbers: Iterable[Any]) -> Funnel:
    return Funnel(*map(int, numbers))
