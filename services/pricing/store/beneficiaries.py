"""What promoters and leaders earn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import uuids
from services.chassis.columns import columns
from services.pricing.domain import BeneficiaryKind, BeneficiaryLine, Cause


@dataclass(frozen=True, slots=True)
class Earned:
    """A stored row: what a beneficiary earns by a seat for a cause, minor units."""

    row_id: UUID
    campaign_id: UUID
    team_id: UUID
    sequence: int
    line_id: UUID
    seat_id: UUID
    cause: Cause
    cause_event_id: UUID
    at: datetime
    merchant_id: str
    beneficiary_id: str
    commission_basis_points: int
    quantity: int
    unit_price: int
    amount: int
    currency: str
    kind: BeneficiaryKind


async def insert_beneficiaries(
    connection: AsyncConnection[TupleRow], rows: Sequence[tuple[UUID, BeneficiaryLine]]
) -> None:
    """Store what beneficiaries earn, each with its row's id; at least one."""
    await connection.execute(
        "INSERT INTO beneficiary_lines (row_id, campaign_id, team_id, sequence, platform_id, line_id, seat_id, cause,"
        " cause_event_id, occurred_at, merchant_id, beneficiary_id, commission_basis_points, quantity, unit_price,"
        " amount, currency, kind)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[], %s::uuid[], %s::uuid[],"
        " %s::text[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],"
        " %s::bigint[], %s::text[], %s::text[])",
        columns(_row(row_id, row) for row_id, row in rows),
    )


async def list_beneficiaries(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    merchant_id: str,
    beneficiary_id: str,
    campaign_id: UUID | None,
    after: tuple[UUID, UUID, int, str],
    limit: int,
) -> list[Earned]:
    """List rows of a platform by campaign, team, number and kind, after such a place; empty and None mean all."""
    cursor = await connection.execute(
        "SELECT row_id, campaign_id, team_id, sequence, line_id, seat_id, cause, cause_event_id, occurred_at,"
        " merchant_id, beneficiary_id, commission_basis_points, quantity, unit_price, amount, currency, kind"
        " FROM beneficiary_lines WHERE platform_id = %(platform)s"
        " AND (%(merchant)s = '' OR merchant_id = %(merchant)s)"
        " AND (%(beneficiary)s = '' OR beneficiary_id = %(beneficiary)s)"
        " AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)"
        " AND (campaign_id, team_id, sequence, kind) > (%(c)s, %(t)s, %(n)s, %(k)s)"
        " ORDER BY campaign_id, team_id, sequence, kind LIMIT %(limit)s",
        {
            "platform": platform_id,
            "merchant": merchant_id,
            "beneficiary": beneficiary_id,
            "campaign": campaign_id,
            "c": after[0],
            "t": after[1],
            "n": after[2],
            "k": after[3],
            "limit": limit,
        },
    )
    return [_earned(row) async for row in cursor]


async def sum_commissions(
    connection: AsyncConnection[TupleRow], platform_id: UUID, promoter_id: str, campaigns: Sequence[UUID]
) -> dict[UUID, tuple[int, int]]:
    """Sum up what a promoter earned in campaigns, and what of it was taken back; minor units, zero or above."""
    cursor = await connection.execute(
        "SELECT campaign_id, coalesce(sum(amount) FILTER (WHERE amount > 0), 0),"
        " coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)"
        " FROM beneficiary_lines WHERE campaign_id = ANY (%s) AND beneficiary_id = %s AND platform_id = %s"
        " AND kind = 'COMMISSION' GROUP BY campaign_id",
        (uuids(campaigns), promoter_id, platform_id),
    )
    return {row[0]: (int(row[1]), int(row[2])) async for row in cursor}


def _row(row_id: UUID, row: BeneficiaryLine) -> tuple[object, ...]:
    line = row.line
    return (
        row_id,
        line.campaign_id,
        line.team_id,
        line.sequence,
        line.platform_id,
        line.line_id,
        line.seat_id,
        line.cause,
        line.cause_event_id,
        line.at,
        line.merchant_id,
        row.beneficiary_id,
        row.commission_basis_points,
        line.quantity,
        line.unit_price,
        row.amount,
        line.currency,
        row.kind,
    )


def _earned(row: TupleRow) -> Earned:
    return Earned(
        row_id=row[0],
        campaign_id=row[1],
        team_id=row[2],
        sequence=row[3],
        line_id=row[4],
        seat_id=row[5],
        cause=Cause(row[6]),
        cause_event_id=row[7],
        at=row[8],
        merchant_id=row[9],
        beneficiary_id=row[10],
        commission_basis_points=row[11],
        quantity=row[12],
        unit_price=row[13],
        amount=row[14],
        currency=row[15],
        kind=BeneficiaryKind(row[16]),
    )
