"""The copy of campaigns; their price tables are stored apart."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import Campaign, CampaignState, CouponOrder, Offer


async def save_campaigns(connection: AsyncConnection[TupleRow], campaigns: Sequence[Campaign]) -> None:
    """Save campaigns, at least one and each once; an older version never replaces a newer one."""
    await connection.execute(
        "INSERT INTO campaigns AS c (campaign_id, platform_id, merchant_id, version, ladder_version, currency,"
        " starts_at, ends_at, state, coupon_order)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],"
        " %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[])"
        " ON CONFLICT (campaign_id) DO UPDATE SET merchant_id = excluded.merchant_id, version = excluded.version,"
        " ladder_version = excluded.ladder_version, currency = excluded.currency, starts_at = excluded.starts_at,"
        " ends_at = excluded.ends_at, state = excluded.state, coupon_order = excluded.coupon_order"
        " WHERE c.version < excluded.version AND c.platform_id = excluded.platform_id",
        columns(_row(item) for item in sorted(campaigns, key=lambda item: item.campaign_id)),
    )


def _row(item: Campaign) -> tuple[object, ...]:
    return (
        item.campaign_id,
        item.platform_id,
        item.merchant_id,
        item.version,
        item.table.ladder_version,
        item.table.currency,
        item.starts_at,
        item.ends_at,
        item.state,
        item.coupon_order,
    )


async def find_offer(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> Offer | None:
    """Find what a campaign of a platform offers to teams opened now, as of its last event."""
    cursor = await connection.execute(
        "SELECT ladder_version, starts_at, ends_at, state, coupon_order FROM campaigns"
        " WHERE campaign_id = %s AND platform_id = %s",
        (campaign_id, platform_id),
    )
    row = await cursor.fetchone()
    return Offer(row[0], row[1], row[2], CampaignState(row[3]), CouponOrder(row[4])) if row else None
