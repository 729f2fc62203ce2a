"""Seats."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import ReleaseReason, Role, Seat, SeatState

_COLUMNS = (
    "s.campaign_id, s.seat_id, s.team_id, s.platform_id, s.member_id, s.sku, s.role, s.quantity, s.cap, s.cap_fill,"
    " s.state, s.release_reason, s.payment_reference, s.number"
)


async def load_seats(
    connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Seat]:
    """Load seats of locked teams, named by campaign and seat, at least one."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)",
        columns(ids),
    )
    return {(row[0], row[1]): _seat(row) async for row in cursor}


async def load_confirmed(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, after: int, limit: int
) -> list[Seat]:
    """Load confirmed seats of a locked team in the order they were taken, after a number."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " WHERE s.campaign_id = %s AND s.team_id = %s AND s.number > %s AND s.state = 'CONFIRMED'"
        " ORDER BY s.number LIMIT %s",
        (campaign_id, team_id, after, limit),
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


async def save_seats(connection: AsyncConnection[TupleRow], seats: Sequence[Seat]) -> None:
    """Store new seats, and what can change of old ones."""
    await connection.execute(
        "INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, role, quantity, cap, cap_fill,"
        " state, release_reason, payment_reference, number)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[],"
        " %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[])"
        " ON CONFLICT (campaign_id, seat_id) DO UPDATE SET state = excluded.state,"
        " release_reason = excluded.release_reason, payment_reference = excluded.payment_reference",
        columns(map(_row, seats)),
    )


def _row(seat: Seat) -> tuple[object, ...]:
    return (
        seat.campaign_id,
        seat.seat_id,
        seat.team_id,
        seat.platform_id,
        seat.member_id,
        seat.sku,
        seat.role,
        seat.quantity,
        seat.cap,
        seat.cap_fill,
        seat.state,
        seat.release_reason,
        seat.payment_reference,
        seat.number,
    )


def _seat(row: TupleRow) -> Seat:
    return Seat(
        campaign_id=row[0],
        seat_id=row[1],
        team_id=row[2],
        platform_id=row[3],
        member_id=row[4],
        sku=row[5],
        role=Role(row[6]),
        quantity=row[7],
        cap=row[8],
        cap_fill=row[9],
        state=SeatState(row[10]),
        release_reason=ReleaseReason(row[11]) if row[11] else None,
        payment_reference=row[12],
        number=row[13],
    )
