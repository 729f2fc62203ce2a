"""The last demand counted of each campaign; what was counted is bytes here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns

DemandRow = tuple[UUID, UUID, int, datetime, bytes]
"""Campaign, platform, the tally's sequence, when it was taken, what was counted."""


async def save_demand(connection: AsyncConnection[TupleRow], rows: Sequence[DemandRow]) -> None:
    """Store what was counted last, at least one row and one of a campaign; a lower sequence changes nothing."""
    await connection.execute(
        "INSERT INTO demand AS d (campaign_id, platform_id, sequence, tallied_at, counted)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::timestamptz[], %s::bytea[])"
        " ON CONFLICT (campaign_id) DO UPDATE SET sequence = excluded.sequence, tallied_at = excluded.tallied_at,"
        " counted = excluded.counted WHERE d.sequence < excluded.sequence",
        columns(sorted(rows)),
    )


async def find_demand(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> bytes | None:
    """Read what was counted last of a campaign; None where nothing was."""
    cursor = await connection.execute(
        "SELECT counted FROM demand WHERE campaign_id = %s AND platform_id = %s", (campaign_id, platform_id)
    )
    row = await cursor.fetchone()
    return bytes(row[0]) if row else None
