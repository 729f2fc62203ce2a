"""Tallies of campaigns: differences that batches of events add, and the sums that are made of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import Counts, Tally

_NAMES = (
    "teams_opened, teams_formed, teams_failed, teams_cancelled, seats_held, seats_confirmed, seats_left, seats_expired,"
    " units_confirmed, units_left, members_confirmed_now, units_confirmed_now, units_held_now"
)
_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _NAMES.split(", "))
_MANY = 13


async def insert_differences(
    connection: AsyncConnection[TupleRow], differences: Mapping[tuple[UUID, UUID], tuple[datetime, Counts]]
) -> None:
    """Add a row for each campaign, at least one, named by platform and campaign, with the time of its last event."""
    await connection.execute(
        f"INSERT INTO tally_deltas (platform_id, campaign_id, occurred_at, {_NAMES})"  # noqa: S608 - a constant
        f" SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[]{', %s::bigint[]' * _MANY})",
        columns((*key, at, *counts) for key, (at, counts) in differences.items()),
    )


async def find_untallied(connection: AsyncConnection[TupleRow], limit: int) -> list[UUID]:
    """Find campaigns with something to count, without locks."""
    cursor = await connection.execute(
        "SELECT DISTINCT campaign_id FROM tally_deltas ORDER BY campaign_id LIMIT %s", (limit,)
    )
    return [campaign_id async for (campaign_id,) in cursor]


async def lock_campaign(connection: AsyncConnection[TupleRow], campaign_id: UUID) -> int:
    """Lock the counting of a campaign; returns the seq of its last tally, 0 where there is none yet."""
    await connection.execute(
        "INSERT INTO tally_heads (campaign_id, seq) VALUES (%s, 0) ON CONFLICT DO NOTHING", (campaign_id,)
    )
    cursor = await connection.execute("SELECT seq FROM tally_heads WHERE campaign_id = %s FOR UPDATE", (campaign_id,))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def take_differences(
    connection: AsyncConnection[TupleRow], campaign_id: UUID
) -> tuple[UUID, datetime, Counts] | None:
    """Take out what a locked campaign has to count: platform, time of the last event, sum; None where nothing is."""
    cursor = await connection.execute(
        f"WITH taken AS (DELETE FROM tally_deltas WHERE campaign_id = %s RETURNING *)"  # noqa: S608 - a constant
        f" SELECT (array_agg(platform_id))[1], max(occurred_at), {_SUMS} FROM taken",
        (campaign_id,),
    )
    row = await cursor.fetchone()
    return (row[0], row[1], Counts(*row[2:])) if row and row[0] else None


async def insert_tally(connection: AsyncConnection[TupleRow], tally: Tally) -> None:
    """Store the next tally of a locked campaign."""
    await connection.execute(
        f"INSERT INTO tallies (campaign_id, seq, platform_id, occurred_at, {_NAMES})"  # noqa: S608 - a constant
        f" VALUES (%s, %s, %s, %s{', %s' * _MANY})",
        (tally.campaign_id, tally.seq, tally.platform_id, tally.at, *tally.counts),
    )
    await connection.execute("UPDATE tally_heads SET seq = %s WHERE campaign_id = %s", (tally.seq, tally.campaign_id))


async def load_tallies(
    connection: AsyncConnection[TupleRow], keys: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Tally]:
    """Load tallies named by campaign and seq, at least one."""
    cursor = await connection.execute(
        f"SELECT campaign_id, seq, platform_id, occurred_at, {_NAMES} FROM tallies"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::bigint[]) AS k (campaign_id, seq) USING (campaign_id, seq)",
        columns(keys),
    )
    return {(row[0], row[1]): _tally(row) async for row in cursor}


async def find_tally(
    connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, seq: int = 0
) -> Tally | None:
    """Find a tally of a platform's campaign: the one of a seq, or the last where it is 0."""
    cursor = await connection.execute(
        f"SELECT campaign_id, seq, platform_id, occurred_at, {_NAMES} FROM tallies"  # noqa: S608 - a constant
        " WHERE platform_id = %s AND campaign_id = %s AND (seq = %s OR %s = 0) ORDER BY seq DESC LIMIT 1",
        (platform_id, campaign_id, seq, seq),
    )
    row = await cursor.fetchone()
    return _tally(row) if row else None


def _tally(row: TupleRow) -> Tally:
    return Tally(row[0], row[1], row[2], row[3], Counts(*row[4:]))
