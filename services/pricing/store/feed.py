"""Which settlement numbers of a team were committed when: what a stream of a platform's settlements reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns


class Span(NamedTuple):
    """Settlement numbers of one team that a transaction commits, without a gap."""

    campaign_id: UUID
    team_id: UUID
    first_sequence: int
    last_sequence: int
    platform_id: UUID
    merchant_id: str


async def insert_feed(connection: AsyncConnection[TupleRow], spans: Sequence[Span]) -> None:
    """Store spans of locked teams, at least one.

    To be called after rows were written: the transaction then has its number before a position is drawn, on which the
    horizon relies.
    """
    await connection.execute(
        "INSERT INTO settlement_feed (campaign_id, team_id, first_sequence, last_sequence, platform_id, merchant_id,"
        " recorded_at) SELECT k.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[], %s::uuid[],"
        " %s::text[]) AS k",
        (datetime.now(UTC), *columns(spans)),
    )
