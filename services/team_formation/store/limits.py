"""What is scarce in a campaign: stock per item, and members that have limits. Locked before teams."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, texts, uuids
from services.chassis.rows import Rows
from services.team_formation.domain import Level


async def lock_stock(connection: AsyncConnection[TupleRow], campaign_id: UUID) -> Rows[tuple[str, Level]]:
    """Lock all stock of a campaign, in order of sku: what holds that run out give back is not known before."""
    cursor = await connection.execute(
        "SELECT sku, offered, taken FROM stock WHERE campaign_id = %s ORDER BY sku FOR UPDATE",
        (campaign_id,),
        binary=True,
    )
    return Rows(cursor, lambda row: (row[0], Level(row[1], row[2])))


async def list_stock(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_ids: Sequence[UUID]
) -> Rows[tuple[UUID, str, Level]]:
    """List the stock of campaigns as it stands."""
    cursor = await connection.execute(
        "SELECT campaign_id, sku, offered, taken FROM stock WHERE campaign_id = ANY (%s) AND platform_id = %s"
        " ORDER BY campaign_id, sku",
        (uuids(campaign_ids), platform_id),
        binary=True,
    )
    return Rows(cursor, lambda row: (row[0], row[1], Level(row[2], row[3])))


async def take_stock(connection: AsyncConnection[TupleRow], campaign_id: UUID, taken: Mapping[str, int]) -> None:
    """Count units, per SKU, in (or out, below zero); the stock is locked."""
    await connection.execute(
        "UPDATE stock AS s SET taken = s.taken + k.units FROM unnest(%s, %s) AS k (sku, units)"
        " WHERE s.campaign_id = %s AND s.sku = k.sku",
        (texts(taken), bigints(taken.values()), campaign_id),
    )


async def offer_stock(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, offered: Mapping[str, int]
) -> None:
    """Set the units offered, per SKU; the campaign and its stock are locked.

    Of an item that has stock from now on, what older teams sold before counts as taken.
    """
    await connection.execute(
        "INSERT INTO stock (campaign_id, platform_id, sku, offered, taken) SELECT %s, %s, k.sku, k.offered,"
        " CASE WHEN EXISTS (SELECT FROM stock AS o WHERE o.campaign_id = %s AND o.sku = k.sku) THEN 0 ELSE"
        " (SELECT coalesce(sum(s.quantity), 0) FROM seats AS s WHERE s.campaign_id = %s AND s.sku = k.sku"
        " AND s.state IN ('HELD', 'CONFIRMED')) END FROM unnest(%s, %s) AS k (sku, offered)"
        " ON CONFLICT (campaign_id, sku) DO UPDATE SET offered = excluded.offered",
        (campaign_id, platform_id, campaign_id, campaign_id, texts(offered), bigints(offered.values())),
    )


async def lock_members(
    connection: AsyncConnection[TupleRow],
    platform_id: UUID,
    campaign_id: UUID,
    member_ids: Sequence[str],
    seat_ids: Sequence[UUID],
) -> None:
    """Lock members of a campaign, in id order: those named, and those whose seats could come to life again.

    Who was not there yet is locked by being inserted.
    """
    wanted = (
        "SELECT m.member_id FROM unnest(%s) AS m (member_id) UNION"
        " SELECT s.member_id FROM seats AS s WHERE s.campaign_id = %s AND s.seat_id = ANY (%s) AND s.state = 'RELEASED'"
    )
    values = (texts(member_ids), campaign_id, uuids(seat_ids))
    await connection.execute(
        "INSERT INTO campaign_members (campaign_id, platform_id, member_id)"  # noqa: S608 - constants
        f" SELECT %s, %s, w.member_id FROM ({wanted}) AS w ORDER BY w.member_id ON CONFLICT DO NOTHING",
        (campaign_id, platform_id, *values),
    )
    await connection.execute(
        "SELECT FROM campaign_members AS c WHERE c.campaign_id = %s"
        f" AND c.member_id = ANY (ARRAY({wanted})) ORDER BY c.member_id FOR UPDATE",
        (campaign_id, *values),
    )
