"""Which cards in chats have to be looked at, because their teams, campaigns, prices or stock have changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, uuids

_SAME = "v.campaign_id = k.campaign_id AND v.team_id = k.team_id AND v.app_id = k.app_id AND v.place = k.place"


async def has_previews(connection: AsyncConnection[TupleRow]) -> bool:
    """Tell whether any card is followed. A finder over all platforms."""
    cursor = await connection.execute("SELECT FROM chat_previews LIMIT 1")
    return await cursor.fetchone() is not None


async def move_teams(
    connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, UUID, int]], now: datetime
) -> int:
    """Have cards looked at whose teams have reached a version, given as (campaign, team, version)."""
    return await _move(
        connection,
        "unnest(%s, %s, %s) AS k (campaign_id, team_id, version)"
        " WHERE p.campaign_id = k.campaign_id AND p.team_id = k.team_id AND p.version < k.version",
        (uuids(one for one, _, _ in teams), uuids(team for _, team, _ in teams), bigints(at for _, _, at in teams)),
        now,
    )


async def move_campaigns(
    connection: AsyncConnection[TupleRow], campaigns: Sequence[tuple[UUID, int]], now: datetime
) -> int:
    """Have cards looked at whose campaigns have reached a version, given as (campaign, version)."""
    return await _move(
        connection,
        "unnest(%s, %s) AS k (campaign_id, version)"
        " WHERE p.campaign_id = k.campaign_id AND p.campaign_version < k.version",
        (uuids(one for one, _ in campaigns), bigints(version for _, version in campaigns)),
        now,
    )


async def move_prices(connection: AsyncConnection[TupleRow], campaigns: Sequence[UUID], now: datetime) -> int:
    """Have cards looked at of campaigns whose prices have turned."""
    return await _move(
        connection, "unnest(%s) AS k (campaign_id) WHERE p.campaign_id = k.campaign_id", (uuids(campaigns),), now
    )


async def move_stock(
    connection: AsyncConnection[TupleRow], campaigns: Sequence[tuple[UUID, int]], now: datetime
) -> int:
    """Have cards looked at of campaigns of which so many items are sold out now."""
    return await _move(
        connection,
        "unnest(%s, %s) AS k (campaign_id, sold_out) WHERE p.campaign_id = k.campaign_id AND p.sold_out <> k.sold_out",
        (uuids(one for one, _ in campaigns), bigints(sold_out for _, sold_out in campaigns)),
        now,
    )


async def move_behind(connection: AsyncConnection[TupleRow], slack: timedelta, now: datetime) -> int:
    """Have all cards looked at that are behind: whatever changed while nobody listened. A finder over all platforms."""
    return await _move(
        connection,
        "teams AS t JOIN campaigns AS c USING (campaign_id) LEFT JOIN tallies AS y USING (campaign_id)"
        " WHERE p.campaign_id = t.campaign_id AND p.team_id = t.team_id AND p.version > 0"
        " AND (p.version < t.version OR p.campaign_version < c.sequence OR p.looked_at < y.turned_at + %s"
        " OR p.sold_out <> (SELECT count(*) FROM stock AS s WHERE s.campaign_id = p.campaign_id"
        " AND s.taken >= s.offered))",
        (slack,),
        now,
    )


async def _move(connection: AsyncConnection[TupleRow], whose: str, values: tuple[object, ...], now: datetime) -> int:
    """Note that cards are to be looked at, in one order over all processes; returns how many had not been noted."""
    cursor = await connection.execute(
        "WITH k AS (SELECT p.campaign_id, p.team_id, p.app_id, p.place FROM chat_previews AS p,"  # noqa: S608 - constants
        f" {whose} AND NOT p.is_moved ORDER BY p.campaign_id, p.team_id, p.app_id, p.place FOR UPDATE OF p)"
        " UPDATE chat_previews AS v SET is_moved = true, due_at = least(v.due_at, greatest(v.next_at, %s))"
        f" FROM k WHERE {_SAME} RETURNING 1",
        (*values, now),
    )
    return len(await cursor.fetchall())


async def count_sold_out(connection: AsyncConnection[TupleRow], campaigns: Sequence[UUID]) -> dict[UUID, int]:
    """Count the items of which nothing is left, of campaigns that have stock. A finder."""
    cursor = await connection.execute(
        "SELECT campaign_id, count(*) FILTER (WHERE taken >= offered) FROM stock WHERE campaign_id = ANY (%s)"
        " GROUP BY campaign_id",
        (uuids(campaigns),),
    )
    return {campaign_id: count async for campaign_id, count in cursor}
