"""Signs of abuse: tags that seats were taken by, makers' devices, joins per invite."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, byteas, texts, times, uuids
from services.chassis.rows import Asked, ask, put
from services.team_formation.domain import TagKind

_ONE_BY_ONE = "seat_tags_one_by_one"
_KINDS = {kind.value: kind for kind in TagKind}


class Wanted(NamedTuple):
    """A mark to look for: how far back, and how many seats at most, the newest first; None: all."""

    kind: TagKind
    mark: bytes
    since: datetime
    most: int | None


class Tagged(NamedTuple):
    """Who has live seats that were taken by a mark, and the last number of it."""

    kind: TagKind
    mark: bytes
    member_ids: Sequence[str]
    last: int


class SeatTag(NamedTuple):
    """A tag of a new seat."""

    seat_id: UUID
    kind: TagKind
    mark: bytes
    number: int


async def load_tagged(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[Wanted], datetime]]
) -> Asked[Tagged]:
    """Find who has live seats by marks; a hold that has run out counts no more.

    Wanted: platform, campaign, marks, now.
    """
    return await ask(
        connection,
        "SELECT k.kind, k.mark, ARRAY(SELECT DISTINCT s.member_id FROM"
        " (SELECT * FROM seat_tags AS n WHERE n.campaign_id = %s AND n.platform_id = %s AND n.kind = k.kind"
        " AND n.mark = k.mark AND n.taken_at > k.since AND NOT n.ended ORDER BY n.taken_at DESC LIMIT k.most) AS t"
        " CROSS JOIN LATERAL (SELECT * FROM seats AS n WHERE n.campaign_id = %s AND n.seat_id = t.seat_id OFFSET 0)"
        " AS s"
        " WHERE s.state IN ('WAITING', 'CONFIRMED') OR (s.state = 'HELD' AND s.hold_until > %s)),"
        " (SELECT coalesce(max(l.number), 0) FROM seat_tags AS l WHERE l.campaign_id = %s AND l.platform_id = %s"
        " AND l.kind = k.kind AND l.mark = k.mark AND l.number > 0)"
        " FROM unnest(%s, %s, %s, %s) AS k (kind, mark, since, most)",
        [
            (campaign, platform, campaign, now, campaign, platform, *_columns(marks))
            for platform, campaign, marks, now in wanted
        ],
        lambda row: Tagged(_KINDS[row[0]], bytes(row[1]), row[2], row[3]),
    )


def _columns(marks: Sequence[Wanted]) -> tuple[object, ...]:
    return (
        texts(mark.kind for mark in marks),
        byteas(mark.mark for mark in marks),
        times(mark.since for mark in marks),
        bigints(mark.most for mark in marks),
    )


async def load_devices_of_makers(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID]]]
) -> Asked[tuple[UUID, bytes]]:
    """Find by which devices the members who made invites took seats; wanted: platform, campaign, invites."""
    return await ask(
        connection,
        "SELECT DISTINCT i.invite_id, d.mark FROM unnest(%s) AS k (invite_id) CROSS JOIN LATERAL"
        " (SELECT * FROM invites AS n WHERE n.campaign_id = %s AND n.platform_id = %s AND n.invite_id = k.invite_id"
        " AND n.member_id <> '' OFFSET 0) AS i CROSS JOIN LATERAL"
        " (SELECT t.mark FROM seats AS s JOIN seat_tags AS t ON t.campaign_id = s.campaign_id AND t.seat_id = s.seat_id"
        " WHERE s.campaign_id = %s AND s.platform_id = %s AND s.member_id = i.member_id AND t.kind = 'DEVICE'"
        " OFFSET 0) AS d",
        [(uuids(invites), campaign, platform, campaign, platform) for platform, campaign, invites in wanted],
        lambda row: (row[0], bytes(row[1])),
    )


async def count_joins(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID], datetime, int]]
) -> Asked[tuple[UUID, int]]:
    """Count seats taken by invites since a time, at least up to `most`; their teams are locked.

    Wanted: platform, campaign, invites, time, most. Each row counts one seat or more, so that as many rows are enough.
    """
    return await ask(
        connection,
        "SELECT k.invite_id, (SELECT coalesce(sum(r.joins), 0)::bigint FROM (SELECT n.joins FROM invite_rates AS n"
        " WHERE n.campaign_id = %s AND n.platform_id = %s AND n.invite_id = k.invite_id AND n.taken_at > %s"
        " ORDER BY n.taken_at DESC LIMIT %s) AS r) FROM unnest(%s) AS k (invite_id)",
        [(campaign, platform, since, most, uuids(invites)) for platform, campaign, invites, since, most in wanted],
        lambda row: (row[0], row[1]),
    )


async def insert_seat_tags(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[SeatTag], datetime]]
) -> None:
    """Store tags of new seats, by platform and campaign, in one order: who meets another waits in no circle."""
    await put(
        connection,
        "INSERT INTO seat_tags (campaign_id, platform_id, seat_id, kind, mark, number, taken_at)"
        " SELECT %s, %s, k.*, %s FROM unnest(%s, %s, %s, %s) AS k (seat_id, kind, mark, number)"
        " ORDER BY k.kind, k.mark, k.number",
        [
            (
                campaign,
                platform,
                at,
                uuids(tag.seat_id for tag in tags),
                texts(tag.kind for tag in tags),
                byteas(tag.mark for tag in tags),
                bigints(tag.number for tag in tags),
            )
            for platform, campaign, tags, at in wanted
        ],
    )


async def end_seat_tags(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID]]]
) -> None:
    """Count the tags of seats no more that have ended, by platform and campaign; their teams are locked."""
    await put(
        connection,
        "UPDATE seat_tags SET ended = true WHERE campaign_id = %s AND platform_id = %s AND seat_id = ANY(%s)",
        [(campaign, platform, list(seats)) for platform, campaign, seats in wanted],
    )


async def add_joins(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[tuple[UUID, int]], datetime]]
) -> None:
    """Count seats taken by invites at a time, by platform and campaign: invite, seats; their teams are locked."""
    await put(
        connection,
        "INSERT INTO invite_rates AS r (campaign_id, platform_id, invite_id, joins, taken_at)"
        " SELECT %s, %s, k.*, %s FROM unnest(%s, %s) AS k (invite_id, joins) ORDER BY k.invite_id"
        " ON CONFLICT (campaign_id, invite_id, taken_at) DO UPDATE SET joins = r.joins + excluded.joins",
        [
            (campaign, platform, at, uuids(invite for invite, _ in joins), bigints(many for _, many in joins))
            for platform, campaign, joins, at in wanted
        ],
    )


def is_tag_race(error: psycopg.Error) -> bool:
    """Tell whether an error means that another transaction took a seat by the same mark since it was counted."""
    return isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name == _ONE_BY_ONE
