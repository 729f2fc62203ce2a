"""The facts that prices and explanations rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
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


async def insert_facts(connection: AsyncConnection[TupleRow], facts: Sequence[StoredFact]) -> None:
    """Store facts, at least one."""
    await connection.execute(
        "INSERT INTO facts (campaign_id, team_id, version, platform_id, event_id, kind, occurred_at, fill, seat_id,"
        " units_back)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[], %s::uuid[], %s::text[],"
        " %s::timestamptz[], %s::bigint[], %s::uuid[], %s::bigint[])",
        columns(
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


def _fact(row: TupleRow) -> StoredFact:
    campaign_id, team_id, version, platform_id, event_id, kind, *more = row
    return StoredFact(campaign_id, team_id, version, platform_id, event_id, FactKind(kind), *more)
