"""Lists of campaigns, teams, seats, invites and changes, page by page, and the search for a team to join.

A statement has only the conditions that are asked for, so that each combination gets a plan of its own. What names few
rows (a member, an order id, a team's invites) is found first and ordered then: along an index that has the order
already, the search would walk past everybody else's rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Array, texts
from services.team_formation.domain import Action, Campaign, CampaignState, Invite, Seat, SeatState, Team, TeamState
from services.team_formation.store import campaigns, invites, seats, teams

CANDIDATES = 100
"""Equally full teams of which one is found by turns; the others follow as these fill."""

_FIRST = UUID(int=0)
_LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns of a platform; what is empty says nothing, here and below."""

    merchant_id: str = ""
    external_ref: str = ""
    states: tuple[CampaignState, ...] = ()


@dataclass(frozen=True, slots=True)
class TeamFilter:
    """Which teams of a campaign."""

    external_ref: str = ""
    opener_member_id: str = ""
    states: tuple[TeamState, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatFilter:
    """Which seats of a campaign."""

    team_id: UUID | None = None
    member_id: str = ""
    external_ref: str = ""
    states: tuple[SeatState, ...] = ()
    updated_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class InviteFilter:
    """Which invites of a campaign."""

    team_id: UUID | None = None
    member_id: str = ""
    promoter_id: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to a campaign; `version` is the campaign's after it."""

    version: int
    action: Action
    actor: str
    request_id: str
    fields: tuple[str, ...]
    detail: str
    at: datetime


class _Where:
    """Conditions that hold together, with their values."""

    def __init__(self, text: str, *values: object) -> None:
        self.text = text
        self.values: list[object] = list(values)

    def also(self, *conditions: tuple[str, object]) -> "_Where":
        """Add conditions of one value each; those whose value is empty say nothing."""
        for text, value in conditions:
            if value:
                self.text += f" AND {text}"
                self.values.append(value)
        return self


async def list_campaigns(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    wanted: CampaignFilter,
    now: datetime,
    before: UUID | None,
    limit: int,
) -> list[Campaign]:
    """List campaigns of a platform before one, the newest first; their states are those at a time."""
    where = _Where("c.platform_id = %s AND c.campaign_id < %s", platform_id, before or _LAST)
    where.also(("c.merchant_id = %s", wanted.merchant_id), ("c.external_ref = %s", wanted.external_ref))
    if wanted.states:
        where.text += (
            " AND CASE WHEN c.phase IN ('CANCELLED', 'DRAFT') THEN c.phase WHEN c.ends_at <= %s THEN 'ENDED'"
            " WHEN c.phase = 'PAUSED' OR c.suspension_reason <> '' THEN 'PAUSED'"
            " WHEN c.starts_at > %s THEN 'SCHEDULED' ELSE 'RUNNING' END"
            " = ANY (%s)"
        )
        where.values += [now, now, texts(wanted.states)]
    cursor = await connection.execute(
        f"SELECT {campaigns.COLUMNS} FROM {campaigns.JOINED} WHERE {where.text}"  # noqa: S608 - constants
        " ORDER BY c.campaign_id DESC LIMIT %s",
        (*where.values, limit),
    )
    return list(map(campaigns.campaign_of, await cursor.fetchall()))


async def list_changes(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, after: int, limit: int
) -> list[Change]:
    """List what was done to a campaign after a version, in order."""
    cursor = await connection.execute(
        "SELECT h.version, h.action, h.actor, h.request_id, h.fields, h.detail, h.changed_at FROM campaign_changes AS h"
        " WHERE h.campaign_id = %s AND h.platform_id = %s AND h.version > %s ORDER BY h.version LIMIT %s",
        (campaign_id, platform_id, after, limit),
        binary=True,
    )
    return [Change(row[0], Action(row[1]), row[2], row[3], tuple(row[4]), row[5], row[6]) async for row in cursor]


async def list_teams(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    wanted: TeamFilter,
    before: UUID | None,
    limit: int,
) -> list[Team]:
    """List teams of a campaign before one, the newest first."""
    scope = _Where("t.campaign_id = %s AND t.platform_id = %s", campaign_id, platform_id).also(
        ("t.external_ref <> '' AND t.external_ref = %s", wanted.external_ref),
        ("t.opener_member_id = %s", wanted.opener_member_id),
    )
    rest = _Where("t.team_id < %s", before or _LAST).also(("t.state = ANY (%s)", _texts(wanted.states)))
    few = bool(wanted.external_ref or wanted.opener_member_id)
    query = _query(teams.COLUMNS, "teams", "t", scope, rest, "t.team_id DESC", few=few)
    cursor = await connection.execute(query, (*scope.values, *rest.values, limit), binary=True)
    return list(map(teams.team_of, await cursor.fetchall()))


async def list_seats_of_team(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    wanted: SeatFilter,
    after: int,
    limit: int,
) -> list[Seat]:
    """List seats of a team after a number, in the order they were taken."""
    rest = _Where("s.number > %s", after)
    return await _list_seats(connection, platform_id, campaign_id, wanted, rest, "s.number", limit)


async def list_seats_by_change(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    wanted: SeatFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Seat]:
    """List seats of a campaign after a time and a seat, in the order of their last change."""
    rest = _Where("(s.updated_at, s.seat_id) > (%s, %s)", *after) if after else _Where("s.seat_id >= %s", _FIRST)
    return await _list_seats(connection, platform_id, campaign_id, wanted, rest, "s.updated_at, s.seat_id", limit)


async def _list_seats(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    wanted: SeatFilter,
    rest: _Where,
    order: str,
    limit: int,
) -> list[Seat]:
    scope = _Where("s.campaign_id = %s AND s.platform_id = %s", campaign_id, platform_id).also(
        ("s.team_id = %s", wanted.team_id),
        ("s.member_id = %s", wanted.member_id),
        ("s.external_ref <> '' AND s.external_ref = %s", wanted.external_ref),
    )
    rest.also(("s.state = ANY (%s)", _texts(wanted.states)), ("s.updated_at > %s", wanted.updated_after))
    few = bool(wanted.member_id or wanted.external_ref)
    query = _query(seats.COLUMNS, "seats", "s", scope, rest, order, few=few)
    cursor = await connection.execute(query, (*scope.values, *rest.values, limit), binary=True)
    return list(map(seats.seat_of, await cursor.fetchall()))


async def list_invites(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    wanted: InviteFilter,
    after: UUID | None,
    limit: int,
) -> list[Invite]:
    """List invites of a campaign after one, in the order they were made."""
    scope = _Where("i.campaign_id = %s AND i.platform_id = %s", campaign_id, platform_id).also(
        ("i.team_id = %s", wanted.team_id),
        ("i.promoter_id <> '' AND i.promoter_id = %s", wanted.promoter_id),
        ("i.member_id = %s", wanted.member_id),
        ("i.channel = %s", wanted.channel),
    )
    rest = _Where("i.invite_id > %s", after or _FIRST)
    few = bool(wanted.team_id or wanted.promoter_id)
    query = _query(invites.COLUMNS, "invites", "i", scope, rest, "i.invite_id", few=few)
    cursor = await connection.execute(query, (*scope.values, *rest.values, limit), binary=True)
    return list(map(invites.invite_of, await cursor.fetchall()))


async def find_fullest(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    match_key: str,
    member_id: str,
    quantity: int,
    now: datetime,
    turn: int,
) -> Team | None:
    """Find the fullest listed team that is forming, has room for units of a member, and none of its seats.

    It has the match key, or none: then its rules, which need not be the newest, ask for none. The keys are looked
    through one after the other, each in its index's order. Equals are ordered by a hash of their id and `turn`.
    """
    cursor = await connection.execute(
        f"SELECT {teams.COLUMNS} FROM unnest(%s) AS k (match_key) CROSS JOIN LATERAL"  # noqa: S608 - constants
        f" (SELECT {teams.COLUMNS}, l.taken FROM listed_teams AS l"
        " JOIN teams AS t ON t.campaign_id = l.campaign_id AND t.team_id = l.team_id"
        " JOIN campaign_terms AS r ON r.campaign_id = t.campaign_id AND r.terms_version = t.terms_version"
        " WHERE l.campaign_id = %s AND l.platform_id = %s AND l.match_key = k.match_key"
        " AND l.room > 0 AND l.room >= CASE r.counted_in WHEN 'UNITS' THEN %s ELSE 1 END AND r.max_units_per_seat >= %s"
        " AND t.state = 'FORMING' AND t.ends_at > %s AND l.team_id <> ALL (ARRAY(SELECT s.team_id FROM seats AS s"
        " WHERE s.campaign_id = %s AND s.member_id = %s AND s.state IN ('WAITING', 'HELD', 'CONFIRMED')"
        " AND NOT s.sponsored)) ORDER BY l.taken DESC LIMIT %s) AS t"
        " ORDER BY t.taken DESC, uuid_hash_extended(t.team_id, %s) LIMIT 1",
        (
            texts(dict.fromkeys((match_key, ""))),
            campaign_id,
            platform_id,
            quantity,
            quantity,
            now,
            campaign_id,
            member_id,
            CANDIDATES,
            turn,
        ),
        binary=True,
    )
    row = await cursor.fetchone()
    return teams.team_of(row) if row else None


async def list_fullest(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, now: datetime, limit: int
) -> list[Team]:
    """List the fullest listed teams that are forming, have room, and that anybody may join: without a match key."""
    cursor = await connection.execute(
        f"SELECT {teams.COLUMNS} FROM listed_teams AS l"  # noqa: S608 - a constant
        " JOIN teams AS t ON t.campaign_id = l.campaign_id AND t.team_id = l.team_id"
        " WHERE l.campaign_id = %s AND l.platform_id = %s AND l.match_key = '' AND l.room > 0"
        " AND t.state = 'FORMING' AND t.ends_at > %s ORDER BY l.taken DESC LIMIT %s",
        (campaign_id, platform_id, now, limit),
        binary=True,
    )
    return list(map(teams.team_of, await cursor.fetchall()))


async def list_certain(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, now: datetime, limit: int
) -> list[Team]:
    """List the fullest teams that are certain and have room, of those that are listed while they form.

    It looks through the campaign's open teams: for whoever has counted them anyway.
    """
    taken = "CASE r.counted_in WHEN 'UNITS' THEN t.confirmed_units + t.held_units"
    taken = f"({taken} ELSE t.confirmed_members + t.held_members END)"
    cursor = await connection.execute(
        f"SELECT {teams.COLUMNS} FROM teams AS t"  # noqa: S608 - constants
        " JOIN campaign_terms AS r ON r.campaign_id = t.campaign_id AND r.terms_version = t.terms_version"
        " WHERE t.campaign_id = %s AND t.platform_id = %s AND t.state = 'TIPPED' AND t.match_key = ''"
        f" AND r.visibility = 'LISTED' AND {taken} < r.maximum AND t.ends_at > %s ORDER BY {taken} DESC LIMIT %s",
        (campaign_id, platform_id, now, limit),
        binary=True,
    )
    return list(map(teams.team_of, await cursor.fetchall()))


def _query(columns: str, table: str, alias: str, scope: _Where, rest: _Where, order: str, *, few: bool) -> str:
    """Write a page's statement; the scope names few rows, or the index that has the order."""
    ordered = f"{rest.text} ORDER BY {order} LIMIT %s"
    if not few:
        return f"SELECT {columns} FROM {table} AS {alias} WHERE {scope.text} AND {ordered}"  # noqa: S608 - constants
    return (
        f"WITH few AS MATERIALIZED (SELECT {columns} FROM {table} AS {alias} WHERE {scope.text})"  # noqa: S608
        f" SELECT {columns} FROM few AS {alias} WHERE {ordered}"
    )


def _texts(states: Iterable[str]) -> Array | None:
    named = list(states)
    return texts(named) if named else None
