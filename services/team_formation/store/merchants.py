"""Merchants that are suspended, and the campaigns that do not know it yet."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class MerchantSweep:
    """A merchant whose suspension began or ended."""

    platform_id: UUID
    merchant_id: str
    number: int


async def keep_platform(connection: AsyncConnection[TupleRow], platform_id: UUID) -> None:
    """Have a platform stay as it is until the transaction has ended; before its campaigns are locked."""
    await connection.execute("SELECT 1 FROM platforms WHERE platform_id = %s FOR SHARE", (platform_id,))


async def find_suspension(connection: AsyncConnection[TupleRow], platform_id: UUID, merchant_id: str) -> str:
    """Tell why a merchant is suspended, empty where it is not; the platform is kept, so it stays so."""
    cursor = await connection.execute(
        "SELECT reason FROM suspended_merchants WHERE platform_id = %s AND merchant_id = %s",
        (platform_id, merchant_id),
    )
    row = await cursor.fetchone()
    return row[0] if row else ""


async def note_merchant(connection: AsyncConnection[TupleRow], platform_id: UUID, merchant_id: str) -> None:
    """Have a merchant's campaigns looked at."""
    await connection.execute(
        "INSERT INTO merchant_sweeps (platform_id, merchant_id) VALUES (%s, %s)"
        " ON CONFLICT (platform_id, merchant_id) DO UPDATE SET number = merchant_sweeps.number + 1",
        (platform_id, merchant_id),
    )


async def find_merchant_sweeps(connection: AsyncConnection[TupleRow], limit: int) -> list[MerchantSweep]:
    """Find merchants whose campaigns are to be looked at."""
    cursor = await connection.execute(
        "SELECT platform_id, merchant_id, number FROM merchant_sweeps ORDER BY platform_id, merchant_id LIMIT %s",
        (limit,),
    )
    return [MerchantSweep(*row) async for row in cursor]


async def list_campaigns_to_tell(
    connection: AsyncConnection[TupleRow], sweep: MerchantSweep, now: datetime, limit: int
) -> list[UUID]:
    """List campaigns of a merchant, published and not over, that do not know how its suspension stands."""
    cursor = await connection.execute(
        "SELECT c.campaign_id FROM campaigns AS c LEFT JOIN suspended_merchants AS m"
        " ON m.platform_id = c.platform_id AND m.merchant_id = c.merchant_id"
        " WHERE c.platform_id = %s AND c.merchant_id = %s AND c.phase IN ('PUBLISHED', 'PAUSED') AND c.ends_at > %s"
        " AND c.suspension_reason <> coalesce(m.reason, '') ORDER BY c.campaign_id LIMIT %s",
        (sweep.platform_id, sweep.merchant_id, now, limit),
    )
    return [row[0] async for row in cursor]


async def end_merchant_sweep(connection: AsyncConnection[TupleRow], sweep: MerchantSweep) -> None:
    """Forget a merchant whose campaigns all know it, unless it has changed once more."""
    await connection.execute(
        "DELETE FROM merchant_sweeps WHERE platform_id = %s AND merchant_id = %s AND number = %s",
        (sweep.platform_id, sweep.merchant_id, sweep.number),
    )
