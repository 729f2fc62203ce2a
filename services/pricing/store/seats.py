"""Seats."""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind, bigints, booleans, jsonbs, packed, texts, uuids
from services.chassis.rows import Asked, ask, marks, put
from services.pricing.domain import OwnStep, ReleaseReason, Role, Seat, SeatState

_COLUMNS = (
    "s.campaign_id, s.seat_id, s.team_id, s.platform_id, s.member_id, s.sku, s.role, s.quantity, s.cap, s.cap_fill,"
    " s.state, s.release_reason, s.payment_reference, s.number, s.sponsored, s.cap_role, s.formed_quantity,"
    " s.cap_tally_seq, s.own_steps, s.cap_from_quote, s.promoter_id, s.commission_basis_points, s.leader_reward"
)


async def load_seats(
    connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Seat]:
    """Load seats of locked teams, named by campaign and seat, at least one."""
    asked = await ask_seats(connection, ids)
    return {(seat.campaign_id, seat.seat_id): seat for seat in await asked.one()}


async def ask_seats(connection: AsyncConnection[TupleRow], ids: Sequence[tuple[UUID, UUID]]) -> Asked[Seat]:
    """Ask for seats as `load_seats` does, none is fine; the teams may be asked for in the same breath."""
    return await ask(
        connection,
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " JOIN unnest(%s, %s) AS k (campaign_id, seat_id) USING (campaign_id, seat_id)",
        [(uuids(campaign_id for campaign_id, _ in ids), uuids(seat_id for _, seat_id in ids))],
        _seat,
    )


async def load_paying(
    connection: AsyncConnection[TupleRow],
    campaign_id: UUID,
    team_id: UUID,
    after: int,
    before: int,
    limit: int,
    *,
    as_formed: bool,
) -> list[Seat]:
    """Load confirmed seats of a locked team that pay, in the order they were taken, after a number.

    `before` is the version of the event that settles them: who took a place later has a line of its own. `as_formed`
    means those that were confirmed when the team formed, whatever became of them since.
    """
    rows = await ask(
        connection,
        f"SELECT {_COLUMNS} FROM seats AS s"  # noqa: S608 - a constant
        " WHERE s.campaign_id = %s AND s.team_id = %s AND s.number > %s AND s.number < %s AND NOT s.sponsored"
        " AND (s.state = 'CONFIRMED' OR (%s AND s.formed_quantity IS NOT NULL))"
        " ORDER BY s.number LIMIT %s",
        [(campaign_id, team_id, after, before, as_formed, limit)],
        _seat,
    )
    return await rows.one()


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


_KINDS: Final[Sequence[Kind]] = (
    *[uuids] * 4,
    *[texts] * 3,
    *[bigints] * 3,
    *[texts] * 3,
    bigints,
    booleans,
    texts,
    bigints,
    bigints,
    jsonbs,
    booleans,
    texts,
    bigints,
)
_SAVE = (
    "INSERT INTO seats (campaign_id, seat_id, team_id, platform_id, member_id, sku, role, quantity, cap, cap_fill,"  # noqa: S608 - constants
    " state, release_reason, payment_reference, number, sponsored, cap_role, formed_quantity, cap_tally_seq, own_steps,"
    f" cap_from_quote, promoter_id, commission_basis_points) SELECT * FROM unnest({marks(len(_KINDS))})"
    " ON CONFLICT (campaign_id, seat_id) DO UPDATE SET role = excluded.role, quantity = excluded.quantity,"
    " cap = excluded.cap, cap_fill = excluded.cap_fill, state = excluded.state,"
    " release_reason = excluded.release_reason, payment_reference = excluded.payment_reference,"
    " number = excluded.number, cap_role = excluded.cap_role, formed_quantity = excluded.formed_quantity,"
    " cap_tally_seq = excluded.cap_tally_seq, cap_from_quote = excluded.cap_from_quote,"
    " promoter_id = excluded.promoter_id, commission_basis_points = excluded.commission_basis_points"
)


async def save_seats(connection: AsyncConnection[TupleRow], seats: Sequence[Seat]) -> None:
    """Store new seats, and what can change of old ones."""
    await put(connection, _SAVE, [packed(_KINDS, map(_row, seats))])


async def reward_leaders(
    connection: AsyncConnection[TupleRow], rewards: Sequence[tuple[UUID, UUID, UUID, int]]
) -> None:
    """Say what leaders' seats of locked teams earn: campaign, team, seat and minor units, at least one."""
    await connection.execute(
        "UPDATE seats AS s SET leader_reward = k.amount"
        " FROM unnest(%s, %s, %s, %s) AS k (campaign_id, team_id, seat_id, amount)"
        " WHERE s.campaign_id = k.campaign_id AND s.seat_id = k.seat_id AND s.team_id = k.team_id",
        packed((uuids, uuids, uuids, bigints), rewards),
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
        seat.sponsored,
        seat.cap_role,
        seat.formed_quantity,
        seat.cap_tally_seq,
        json.dumps([[step.threshold, step.unit_price] for step in seat.own_steps]) if seat.own_steps else None,
        seat.cap_from_quote,
        seat.promoter_id,
        seat.commission_basis_points,
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
        sponsored=row[14],
        cap_role=Role(row[15]) if row[15] else None,
        formed_quantity=row[16],
        cap_tally_seq=row[17],
        own_steps=tuple(OwnStep(*step) for step in row[18] or ()),
        cap_from_quote=row[19],
        promoter_id=row[20],
        commission_basis_points=row[21],
        leader_reward=row[22],
    )
