"""Tallies of campaigns: differences that batches of events add, and the sums that are made of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import Kind, bigints, packed, times, uuids
from services.chassis.columns import columns
from services.chassis.rows import marks, put
from services.pricing.domain import Counts, Fixed, Tally

_NAMES = (
    "teams_opened, teams_formed, teams_failed, teams_cancelled, seats_held, seats_confirmed, seats_left, seats_expired,"
    " units_confirmed, units_left, members_confirmed_now, units_confirmed_now, units_held_now, units_of_fill"
)
_SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _NAMES.split(", "))
_KINDS: Final[Sequence[Kind]] = (uuids, uuids, times, *[bigints] * len(Counts._fields))
_ADD = (
    f"INSERT INTO tally_deltas (platform_id, campaign_id, occurred_at, {_NAMES})"  # noqa: S608 - constants
    f" SELECT * FROM unnest({marks(len(_KINDS))})"
)


async def insert_differences(
    connection: AsyncConnection[TupleRow], differences: Mapping[tuple[UUID, UUID], tuple[datetime, Counts]]
) -> None:
    """Add a row for each campaign, at least one, named by platform and campaign, with the time of its last event."""
    await put(
        connection,
        _ADD,
        [packed(_KINDS, ((*key, at, *counts) for key, (at, counts) in differences.items()))],
    )


async def find_untallied(connection: AsyncConnection[TupleRow], limit: int) -> list[tuple[UUID, UUID]]:
    """Find campaigns with something to count, by platform and campaign, without locks; who waits longest first."""
    cursor = await connection.execute(
        "SELECT platform_id, campaign_id FROM (SELECT platform_id, campaign_id, number FROM tally_deltas"
        " UNION ALL SELECT platform_id, campaign_id, 0 FROM tally_waits) AS c"
        " GROUP BY platform_id, campaign_id ORDER BY min(number), campaign_id LIMIT %s",
        (limit,),
    )
    return [(platform_id, campaign_id) async for platform_id, campaign_id in cursor]


async def lock_campaign(connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID) -> tuple[int, int]:
    """Lock the counting of a campaign; returns the numbers of its last tally and last price event, 0 for none yet."""
    await connection.execute(
        "INSERT INTO tally_heads (platform_id, campaign_id, seq) VALUES (%s, %s, 0) ON CONFLICT DO NOTHING",
        (platform_id, campaign_id),
    )
    cursor = await connection.execute(
        "SELECT seq, price_sequence FROM tally_heads WHERE campaign_id = %s FOR UPDATE", (campaign_id,)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else (0, 0)


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


async def find_waiting(connection: AsyncConnection[TupleRow], campaign_id: UUID, limit: int) -> list[Fixed]:
    """Find teams of a locked campaign that wait for a tally, in the order of their ids."""
    cursor = await connection.execute(
        "SELECT team_id, team_version FROM tally_waits WHERE campaign_id = %s ORDER BY team_id LIMIT %s",
        (campaign_id, limit),
    )
    return [Fixed(team_id, version) async for team_id, version in cursor]


async def insert_waiting(connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, UUID, UUID, int]]) -> None:
    """Have teams wait for a tally, at least one: platform, campaign, team, the version at which it formed."""
    await connection.execute(
        "INSERT INTO tally_waits (platform_id, campaign_id, team_id, team_version)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[])",
        columns(teams),
    )


async def insert_fixes(connection: AsyncConnection[TupleRow], tally: Tally) -> None:
    """Store which teams a tally fixes, at least one."""
    ids = [team.team_id for team in tally.fixed]
    await connection.execute(
        "INSERT INTO tally_fixes (platform_id, campaign_id, seq, team_id, team_version)"
        " SELECT %s, %s, %s, k.* FROM unnest(%s::uuid[], %s::bigint[]) AS k",
        (tally.platform_id, tally.campaign_id, tally.seq, ids, [team.team_version for team in tally.fixed]),
    )


async def end_waiting(connection: AsyncConnection[TupleRow], tally: Tally) -> None:
    """Have the teams that a tally fixes, at least one, wait no longer."""
    await connection.execute(
        "DELETE FROM tally_waits WHERE campaign_id = %s AND team_id = ANY(%s)",
        (tally.campaign_id, [team.team_id for team in tally.fixed]),
    )


async def save_head(connection: AsyncConnection[TupleRow], tally: Tally, price_sequence: int) -> None:
    """Store how far a locked campaign is: its last tally, and the number of its last price event."""
    await connection.execute(
        "UPDATE tally_heads SET seq = %s, price_sequence = %s WHERE campaign_id = %s",
        (tally.seq, price_sequence, tally.campaign_id),
    )


async def insert_tally(connection: AsyncConnection[TupleRow], tally: Tally) -> None:
    """Store a tally."""
    await connection.execute(
        f"INSERT INTO tallies (campaign_id, seq, platform_id, occurred_at, {_NAMES})"  # noqa: S608 - a constant
        f" VALUES (%s, %s, %s, %s{', %s' * len(Counts._fields)})",
        (tally.campaign_id, tally.seq, tally.platform_id, tally.at, *tally.counts),
    )


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
