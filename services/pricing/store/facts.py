"""The facts that prices and explanations rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, texts, times, uuids
from services.chassis.columns import typed_columns
from services.pricing.domain import FactKind


@dataclass(frozen=True, slots=True)
class StoredFact:
    """One event of a team and the confirmed fill after it, in the ladder's basis."""

    campaign_id: UUID
    team_id: UUID
    version: int
    platform_id: UUID
    event_id: UUID
    kind: FactKind
    at: datetime
    fill: int
    seat_id: UUID | None
    units_back: int = 0
    """Units given back of a seat that keeps the rest."""


_KINDS = (uuids, uuids, bigints, uuids, uuids, texts, times, bigints, uuids, bigints)
"""Of the columns of a stored fact."""


async def insert_facts(connection: AsyncConnection[TupleRow], facts: Sequence[StoredFact]) -> None:
    """Store facts, at least one."""
    await connection.execute(
        "INSERT INTO facts (campaign_id, team_id, version, platform_id, event_id, kind, occurred_at, fill, seat_id,"
        " units_back)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[], %s::uuid[], %s::text[],"
        " %s::timestamptz[], %s::bigint[], %s::uuid[], %s::bigint[])",
        typed_columns(
            [
                (
                    fact.campaign_id,
                    fact.team_id,
                    fact.version,
                    fact.platform_id,
                    fact.event_id,
                    fact.kind,
                    fact.at,
                    fact.fill,
                    fact.seat_id,
                    fact.units_back,
                )
                for fact in facts
            ],
            _KINDS,
        ),
    )


async def list_facts(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, seat_id: UUID, versions: Sequence[int]
) -> list[StoredFact]:
    """List the facts about a seat and those of its team at the versions named, by version."""
    cursor = await connection.execute(
        "SELECT campaign_id, team_id, version, platform_id, event_id, kind, occurred_at, fill, seat_id,"
        " units_back FROM facts"
        " WHERE campaign_id = %s AND seat_id = %s"
        " UNION"
        " SELECT campaign_id, team_id, version, platform_id, event_id, kind, occurred_at, fill, seat_id,"
        " units_back FROM facts"
        " WHERE campaign_id = %s AND team_id = %s AND version = ANY(%s)"
        " ORDER BY version",
        (campaign_id, seat_id, campaign_id, team_id, list(versions)),
    )
    return [_fact(row) async for row in cursor]


_COLUMNS = "campaign_id, team_id, version, platform_id, event_id, kind, occurred_at, fill, seat_id, units_back"


async def find_fact(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, version: int
) -> StoredFact | None:
    """Find the fact of one version of a team."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM facts WHERE campaign_id = %s AND team_id = %s AND version = %s",  # noqa: S608
        (campaign_id, team_id, version),
    )
    row = await cursor.fetchone()
    return _fact(row) if row else None


async def find_fill_fact(connection: AsyncConnection[TupleRow], fact: StoredFact) -> StoredFact:
    """Find the fact that set the fill which a fact of the same team left behind; the fact itself where it did."""
    key = {"campaign": fact.campaign_id, "team": fact.team_id, "version": fact.version, "fill": fact.fill}
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM facts"  # noqa: S608 - a constant
        " WHERE campaign_id = %(campaign)s AND team_id = %(team)s AND version <= %(version)s"
        " AND version > coalesce((SELECT max(version) FROM facts WHERE campaign_id = %(campaign)s"
        " AND team_id = %(team)s AND version < %(version)s AND fill <> %(fill)s), 0) ORDER BY version LIMIT 1",
        key,
    )
    row = await cursor.fetchone()
    return _fact(row) if row else fact


async def list_tier_facts(
    connection: AsyncConnection[TupleRow],
    campaign_id: UUID,
    team_id: UUID,
    thresholds: Sequence[int],
    *,
    after: int,
    before: int,
    limit: int,
) -> list[tuple[StoredFact, int]]:
    """List the facts of a team, after one version and before another, that crossed a threshold of its ladder.

    Each comes with the fill that was before it. Thresholds ascend; without any, no price ever moves.
    """
    if not thresholds:
        return []
    cursor = await connection.execute(
        f"SELECT {_COLUMNS}, before FROM (SELECT {_COLUMNS},"  # noqa: S608 - a constant
        " lag(fill, 1, 0::bigint) OVER (ORDER BY version) AS before FROM facts"
        " WHERE campaign_id = %s AND team_id = %s AND version < %s) AS f"
        " WHERE version > %s AND width_bucket(fill, %s::bigint[]) <> width_bucket(before, %s::bigint[])"
        " ORDER BY version LIMIT %s",
        (campaign_id, team_id, before, after, list(thresholds), list(thresholds), limit),
    )
    return [(_fact(row[:-1]), row[-1]) async for row in cursor]


def _fact(row: TupleRow) -> StoredFact:
    campaign_id, team_id, version, platform_id, event_id, kind, *more = row
    return StoredFact(campaign_id, team_id, version, platform_id, event_id, FactKind(kind), *more)
