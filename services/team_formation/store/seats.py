"""Seats, and payments that came too late for one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.team_formation.domain import ReleaseReason, Role, Seat, SeatState, Team

_COLUMNS = (
    "s.seat_id, s.campaign_id, s.team_id, s.platform_id, s.member_id, s.sku, s.quantity, s.role, s.state, s.cap,"
    " s.cap_fill, s.held_at, s.hold_until, s.invite_id, s.external_ref, s.payment_reference, s.confirmed_at,"
    " s.released_at, s.release_reason, s.number"
)


async def find_seat_teams(
    connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID, UUID]]
) -> dict[tuple[UUID, UUID], UUID]:
    """Find the teams of seats named by platform, campaign and seat; a seat never changes its team."""
    cursor = await connection.execute(
        "SELECT s.campaign_id, s.seat_id, s.team_id FROM seats AS s"
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS k (platform_id, campaign_id, seat_id)"
        " USING (platform_id, campaign_id, seat_id)",
        columns(ids),
    )
    return {(campaign_id, seat_id): team_id async for campaign_id, seat_id, team_id in cursor}


async def load_seats(connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]) -> list[Seat]:
    """Load seats of locked teams, named by campaign and seat, and with each the live seat its member has now."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)"
        f" UNION SELECT {_COLUMNS} FROM seats AS named"
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)"
        " JOIN seats AS s USING (campaign_id, team_id, member_id) WHERE s.state IN ('HELD', 'CONFIRMED')",
        [*columns(ids), *columns(ids)],
    )
    return [_seat(row) async for row in cursor]


async def load_live_of_members(
    connection: AsyncConnection[TupleRow], members: Sequence[tuple[UUID, UUID, str]]
) -> list[Seat]:
    """Load the live seats of members, named by campaign, team and member."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::text[]) AS k (campaign_id, team_id, member_id)"
        " USING (campaign_id, team_id, member_id) WHERE s.state IN ('HELD', 'CONFIRMED') AND NOT s.sponsored",
        columns(members),
    )
    return [_seat(row) async for row in cursor]


async def load_held(
    connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, UUID]], limit: int
) -> list[Seat]:
    """Load the held seats of each team, named by campaign and team, those that run out first, at most `limit` each."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id)"  # noqa: S608 - a constant
        " CROSS JOIN LATERAL (SELECT * FROM seats AS h WHERE h.campaign_id = k.campaign_id AND h.team_id = k.team_id"
        " AND h.state = 'HELD' ORDER BY h.hold_until LIMIT %s) AS s ORDER BY s.hold_until, s.number",
        (*columns(teams), limit),
    )
    return [_seat(row) async for row in cursor]


async def find_seat(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, seat_id: UUID
) -> Seat | None:
    """Find one seat of a platform."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " WHERE s.platform_id = %s AND s.campaign_id = %s AND s.seat_id = %s",
        (platform_id, campaign_id, seat_id),
    )
    row = await cursor.fetchone()
    return _seat(row) if row else None


async def list_seats(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, after: int, limit: int
) -> list[Seat]:
    """List the seats of a team in the order they were taken, after a number."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " WHERE s.campaign_id = %s AND s.team_id = %s AND s.number > %s ORDER BY s.number LIMIT %s",
        (campaign_id, team_id, after, limit),
    )
    return [_seat(row) async for row in cursor]


async def save_seats(connection: AsyncConnection[TupleRow], seats: Sequence[Seat]) -> None:
    """Store new seats and what can change of old ones; released ones first, so that a member's place is free."""
    ordered = sorted(seats, key=lambda seat: (seat.state.is_live, seat.campaign_id, seat.seat_id))
    await connection.execute(
        "INSERT INTO seats (seat_id, campaign_id, team_id, platform_id, member_id, sku, quantity, role, state, cap,"
        " cap_fill, held_at, hold_until, invite_id, external_ref, payment_reference, confirmed_at, released_at,"
        " release_reason, number)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bigint[],"
        " %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::uuid[],"
        " %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::bigint[])"
        " ON CONFLICT (campaign_id, seat_id) DO UPDATE SET state = excluded.state,"
        " payment_reference = excluded.payment_reference, confirmed_at = excluded.confirmed_at,"
        " released_at = excluded.released_at, release_reason = excluded.release_reason",
        columns([_row(seat) for seat in ordered]),
    )


async def release_confirmed(connection: AsyncConnection[TupleRow], team: Team) -> None:
    """Release every confirmed seat of a team that failed, as of its end."""
    await connection.execute(
        "UPDATE seats SET state = 'RELEASED', release_reason = 'TEAM_FAILED', released_at = %s"
        " WHERE campaign_id = %s AND team_id = %s AND state = 'CONFIRMED'",
        (team.ended_at, team.campaign_id, team.team_id),
    )


async def load_late_payments(
    connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]
) -> list[tuple[UUID, UUID, str]]:
    """Load the references of payments reported late for seats named by campaign and seat."""
    cursor = await connection.execute(
        "SELECT p.campaign_id, p.seat_id, p.payment_reference FROM late_payments AS p"
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)",
        columns(ids),
    )
    return [(campaign_id, seat_id, reference) async for campaign_id, seat_id, reference in cursor]


async def insert_late_payments(
    connection: AsyncConnection[TupleRow], payments: Sequence[tuple[Seat, str, int, datetime]]
) -> None:
    """Store payments that came too late: seat, reference, amount in minor units, time."""
    rows = [
        (seat.campaign_id, seat.seat_id, reference, seat.platform_id, amount, at)
        for seat, reference, amount, at in payments
    ]
    await connection.execute(
        "INSERT INTO late_payments (campaign_id, seat_id, payment_reference, platform_id, amount, reported_at)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::bigint[], %s::timestamptz[])",
        columns(rows),
    )


def _row(seat: Seat) -> tuple[object, ...]:
    return (
        seat.seat_id,
        seat.campaign_id,
        seat.team_id,
        seat.platform_id,
        seat.member_id,
        seat.sku,
        seat.quantity,
        seat.role,
        seat.state,
        seat.cap,
        seat.cap_fill,
        seat.held_at,
        seat.hold_until,
        seat.invite_id,
        seat.external_ref,
        seat.payment_reference,
        seat.confirmed_at,
        seat.released_at,
        seat.release_reason,
        seat.number,
    )


def _seat(row: TupleRow) -> Seat:
    return Seat(
        seat_id=row[0],
        campaign_id=row[1],
        team_id=row[2],
        platform_id=row[3],
        member_id=row[4],
        sku=row[5],
        quantity=row[6],
        role=Role(row[7]),
        state=SeatState(row[8]),
        cap=row[9],
        cap_fill=row[10],
        held_at=row[11],
        hold_until=row[12],
        invite_id=row[13],
        external_ref=row[14],
        payment_reference=row[15],
        confirmed_at=row[16],
        released_at=row[17],
        release_reason=ReleaseReason(row[18]) if row[18] else None,
        number=row[19],
    )
