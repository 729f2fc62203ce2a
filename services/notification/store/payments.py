"""Payments that members were asked for, and whether they came."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns


async def insert_payments_due(
    connection: AsyncConnection[TupleRow], rows: Sequence[tuple[UUID, UUID, UUID, datetime]]
) -> None:
    """Keep what members are asked for: campaign, line, seat and until when, at least one; repeats change nothing."""
    await connection.execute(
        "INSERT INTO payments_due (campaign_id, line_id, seat_id, pay_by)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[]) ON CONFLICT DO NOTHING",
        columns(rows),
    )


async def mark_came(connection: AsyncConnection[TupleRow], lines: Sequence[tuple[UUID, UUID]]) -> None:
    """Say of lines named by campaign and line, at least one, that their money came, where a member was asked for it."""
    await connection.execute(
        "UPDATE payments_due AS p SET came = true FROM unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, line_id)"
        " WHERE p.campaign_id = k.campaign_id AND p.line_id = k.line_id",
        columns(lines),
    )
