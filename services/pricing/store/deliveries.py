"""What became of deliveries that are paid at the door."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import Delivery, DeliveryOutcome


async def insert_delivery(connection: AsyncConnection[TupleRow], delivery: Delivery) -> None:
    """Store the report about a seat of a locked team."""
    await connection.execute(
        "INSERT INTO deliveries_reported (campaign_id, seat_id, team_id, platform_id, report_id, outcome, reason,"
        " refused_units, sequence, team_version, reported_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            delivery.campaign_id,
            delivery.seat_id,
            delivery.team_id,
            delivery.platform_id,
            delivery.report_id,
            delivery.outcome,
            delivery.reason,
            delivery.refused_units,
            delivery.sequence,
            delivery.team_version,
            delivery.at,
        ),
    )


async def find_delivery_outcome(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, seat_id: UUID
) -> DeliveryOutcome | None:
    """Find what was reported about a seat of a locked team before."""
    cursor = await connection.execute(
        "SELECT outcome FROM deliveries_reported WHERE campaign_id = %s AND seat_id = %s", (campaign_id, seat_id)
    )
    row = await cursor.fetchone()
    return DeliveryOutcome(row[0]) if row else None


async def load_units_left(
    connection: AsyncConnection[TupleRow], seats: Sequence[tuple[UUID, UUID]], version: int
) -> dict[UUID, int]:
    """Load how many units are still charged of seats, named by campaign and seat, of which some were refused.

    Counted before the team's event of a version: what was given back by it and since is part of them, and what was
    refused since does not count (a rebuild knows it already).
    """
    cursor = await connection.execute(
        "SELECT s.seat_id, greatest(s.quantity + coalesce((SELECT sum(f.units_back) FROM facts AS f"
        " WHERE f.campaign_id = s.campaign_id AND f.seat_id = s.seat_id AND f.version >= %s), 0)::bigint"
        " - d.refused_units, 0)"
        " FROM unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, seat_id)"
        " JOIN deliveries_reported AS d USING (campaign_id, seat_id) JOIN seats AS s USING (campaign_id, seat_id)"
        " WHERE d.team_version < %s",
        (version, *columns(seats), version),
    )
    return {seat_id: units async for seat_id, units in cursor}
