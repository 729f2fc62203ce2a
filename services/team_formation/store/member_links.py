"""Members' own links: which number is good, and the seat that one opens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import uuids
from services.chassis.rows import Asked, ask
from services.team_formation.domain import Invite, Seat
from services.team_formation.store.invites import COLUMNS as INVITE
from services.team_formation.store.invites import invite_of
from services.team_formation.store.seats import COLUMNS as SEAT
from services.team_formation.store.seats import seat_of


async def find_linked(connection: AsyncConnection[TupleRow], campaign_id: UUID, seat_id: UUID) -> Seat | None:
    """Find the seat that a link names. Its signature says that it is ours; it names no platform."""
    cursor = await connection.execute(
        f"SELECT {SEAT} FROM seats AS s WHERE s.campaign_id = %s AND s.seat_id = %s",  # noqa: S608 - a constant
        (campaign_id, seat_id),
        binary=True,
    )
    row = await cursor.fetchone()
    return seat_of(row) if row else None


async def find_number(connection: AsyncConnection[TupleRow], campaign_id: UUID, seat_id: UUID) -> int:
    """Tell which number of a seat's link is good; 0 where none was ever taken back."""
    cursor = await connection.execute(
        "SELECT number FROM member_links WHERE campaign_id = %s AND seat_id = %s", (campaign_id, seat_id)
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def list_numbers(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[UUID]]]
) -> Asked[tuple[UUID, int]]:
    """Tell which numbers of seats' links are good, as (seat, number); wanted: platform, campaign, seats.

    What is no seat of the platform, or has no member, is left out.
    """
    return await ask(
        connection,
        "SELECT s.seat_id, coalesce((SELECT m.number FROM member_links AS m WHERE m.campaign_id = s.campaign_id"
        " AND m.seat_id = s.seat_id), 0) FROM unnest(%s) AS k (seat_id) CROSS JOIN LATERAL (SELECT * FROM seats AS one"
        " WHERE one.campaign_id = %s AND one.seat_id = k.seat_id AND one.platform_id = %s AND NOT one.sponsored) AS s",
        [(uuids(seats), campaign_id, platform_id) for platform_id, campaign_id, seats in wanted],
        lambda row: (row[0], row[1]),
    )


async def raise_number(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, seat_id: UUID, now: datetime
) -> None:
    """Take the links of a seat back."""
    await connection.execute(
        "INSERT INTO member_links AS m (campaign_id, seat_id, platform_id, number, changed_at)"
        " VALUES (%s, %s, %s, 1, %s) ON CONFLICT (campaign_id, seat_id) DO UPDATE"
        " SET number = least(m.number + 1, 65535), changed_at = excluded.changed_at",
        (campaign_id, seat_id, platform_id, now),
    )


async def find_own_invite(connection: AsyncConnection[TupleRow], seat: Seat) -> Invite | None:
    """Find the newest invite of a member to its team that still leads in."""
    cursor = await connection.execute(
        f"SELECT {INVITE} FROM invites AS i WHERE i.campaign_id = %s AND i.platform_id = %s AND i.team_id = %s"  # noqa: S608 - a constant
        " AND i.member_id = %s AND i.revoked_at IS NULL AND i.expires_at IS NULL AND i.max_uses = 0"
        " ORDER BY i.invite_id DESC LIMIT 1",
        (seat.campaign_id, seat.platform_id, seat.team_id, seat.member_id),
        binary=True,
    )
    row = await cursor.fetchone()
    return invite_of(row) if row else None
