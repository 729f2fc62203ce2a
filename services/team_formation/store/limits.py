"""What is scarce in a campaign: stock per item, and members that have limits. Locked before teams."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, texts, uuids
from services.chassis.rows import Asked, Rows, ask, put
from services.team_formation.domain import Level


async def lock_stock(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID]]
) -> Asked[tuple[str, Level]]:
    """Lock all stock of campaigns, in order of sku: what holds that run out give back is not known before.

    Wanted: platform, campaign.
    """
    return await ask(
        connection,
        "SELECT sku, offered, taken FROM stock WHERE campaign_id = %s AND platform_id = %s ORDER BY sku FOR UPDATE",
        [(campaign, platform) for platform, campaign in wanted],
        lambda row: (row[0], Level(row[1], row[2])),
    )


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


async def take_stock(connection: AsyncConnection[TupleRow], taken: Sequence[tuple[UUID, Mapping[str, int]]]) -> None:
    """Count units in (or out, below zero), by campaign and SKU; the stock is locked."""
    await put(
        connection,
        "UPDATE stock AS s SET taken = s.taken + k.units FROM unnest(%s, %s) AS k (sku, units)"
        " WHERE s.campaign_id = %s AND s.sku = k.sku",
        [(texts(units), bigints(units.values()), campaign) for campaign, units in taken],
    )


async def offer_stock(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, offered: Mapping[str, int]
) -> None:
    """Set the units offered, per SKU; the campaign and its stock are locked.

    Of an item that has stock from now on nothing is taken: no team was opened that sells it without.
    """
    await connection.execute(
        "INSERT INTO stock (campaign_id, platform_id, sku, offered)"
        " SELECT %s, %s, k.sku, k.offered FROM unnest(%s, %s) AS k (sku, offered)"
        " ON CONFLICT (campaign_id, sku) DO UPDATE SET offered = excluded.offered",
        (campaign_id, platform_id, texts(offered), bigints(offered.values())),
    )


async def find_unlimited(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, skus: Sequence[str]
) -> frozenset[str]:
    """Find which of some items teams sell without a limit, by the terms they opened with.

    While the campaign is locked none is opened: one that was under way is seen, or is opened with the terms to come.
    """
    cursor = await connection.execute(
        "SELECT DISTINCT i.sku FROM campaign_terms AS t"
        " CROSS JOIN LATERAL jsonb_to_recordset(t.items) AS i (sku text, stock bigint)"
        " WHERE t.campaign_id = %s AND t.platform_id = %s AND i.sku = ANY (%s) AND i.stock IS NULL"
        " AND t.terms_version IN (SELECT o.terms_version FROM teams AS o WHERE o.campaign_id = %s)",
        (campaign_id, platform_id, texts(skus), campaign_id),
    )
    return frozenset([sku async for (sku,) in cursor])


async def lock_members(
    connection: AsyncConnection[TupleRow], wanted: Sequence[tuple[UUID, UUID, Sequence[str], Sequence[UUID]]]
) -> None:
    """Lock members of campaigns, in id order: those named, and those whose seats could come to life again.

    A hold is one of these: it may run out before its team is locked. Wanted: platform, campaign, members, seats. Who is
    not there yet is locked by being inserted, who is by an update that changes nothing: one statement for both.
    """
    await put(
        connection,
        "INSERT INTO campaign_members AS c (campaign_id, platform_id, member_id)"
        " SELECT %s, %s, w.member_id FROM (SELECT m.member_id FROM unnest(%s) AS m (member_id) UNION"
        " SELECT s.member_id FROM unnest(%s) AS k (seat_id) CROSS JOIN LATERAL (SELECT n.member_id FROM seats AS n"
        " WHERE n.campaign_id = %s AND n.platform_id = %s AND n.seat_id = k.seat_id"
        " AND n.state IN ('HELD', 'RELEASED') OFFSET 0) AS s"
        ") AS w ORDER BY w.member_id ON CONFLICT (campaign_id, member_id) DO UPDATE SET platform_id = c.platform_id",
        [
            (campaign, platform, texts(members), uuids(seats), campaign, platform)
            for platform, campaign, members, seats in wanted
        ],
    )


async def forget_members(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, members: Sequence[str]
) -> None:
    """Forget that members have limits in a campaign: of erased ones a row is made only because they were asked for."""
    await put(
        connection,
        "DELETE FROM campaign_members WHERE campaign_id = %s AND platform_id = %s AND member_id = ANY(%s)",
        [(campaign_id, platform_id, texts(members))],
    )
