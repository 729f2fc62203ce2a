"""Which settlement numbers of a team were committed when: what a stream of a platform's settlements reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import LineState, SettlementLine
from services.pricing.store.lines import LINE_COLUMNS, read_line


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which settlements a list is about; None and empty mean all."""

    platform_id: UUID
    campaign_id: UUID | None = None
    merchant_id: str = ""
    state: LineState | None = None
    updated_since: datetime | None = None
    seat_id: UUID | None = None
    """Only with its campaign."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line, how far it is, and since when; `position` is its place in the feed, together with its sequence."""

    line: SettlementLine
    state: LineState
    updated_at: datetime
    position: int


async def list_settlements(
    connection: AsyncConnection[TupleRow], wanted: Wanted, after: tuple[int, int], limit: int
) -> list[Listed]:
    """List the lines of a platform in the order they were recorded, after a place in the feed."""
    cursor = await connection.execute(
        "SELECT * FROM (SELECT l.*, coalesce(s.state, CASE WHEN"  # noqa: S608 - a constant
        " greatest(l.to_capture, l.to_void, l.to_refund, l.due) > 0 THEN 'OPEN' ELSE 'DONE' END) AS line_state,"
        " coalesce(s.updated_at, f.recorded_at) AS updated_at, f.position FROM settlement_feed AS f"
        f" CROSS JOIN LATERAL (SELECT {LINE_COLUMNS} FROM settlement_lines AS own WHERE own.campaign_id = f.campaign_id"
        " AND own.team_id = f.team_id AND own.sequence BETWEEN f.first_sequence AND f.last_sequence) AS l"
        " LEFT JOIN line_states AS s ON s.campaign_id = l.campaign_id AND s.line_id = l.line_id"
        " WHERE f.platform_id = %(platform)s AND f.position >= %(position)s"
        " AND (f.position > %(position)s OR l.sequence > %(sequence)s)"
        " AND (%(campaign)s::uuid IS NULL OR f.campaign_id = %(campaign)s)"
        " AND (%(merchant)s = '' OR f.merchant_id = %(merchant)s)"
        " AND (%(seat)s::uuid IS NULL OR (l.seat_id = %(seat)s AND f.team_id = (SELECT team_id FROM seats"
        " WHERE campaign_id = %(campaign)s AND platform_id = %(platform)s AND seat_id = %(seat)s)))) AS listed"
        " WHERE (%(state)s::text IS NULL OR line_state = %(state)s)"
        " AND (%(since)s::timestamptz IS NULL OR updated_at >= %(since)s)"
        " ORDER BY position, sequence LIMIT %(limit)s",
        {
            "platform": wanted.platform_id,
            "campaign": wanted.campaign_id,
            "merchant": wanted.merchant_id,
            "state": wanted.state,
            "since": wanted.updated_since,
            "seat": wanted.seat_id,
            "position": after[0],
            "sequence": after[1],
            "limit": limit,
        },
    )
    return [Listed(read_line(row), LineState(row[-3]), row[-2], row[-1]) async for row in cursor]


async def read_feed(
    connection: AsyncConnection[TupleRow], platform_id: UUID, position: int, safe: int, limit: int
) -> list[tuple[int, Span]]:
    """Read a platform's spans from a position on, up to where none can appear any more."""
    cursor = await connection.execute(
        "SELECT position, campaign_id, team_id, first_sequence, last_sequence, platform_id, merchant_id"
        " FROM settlement_feed WHERE platform_id = %s AND position BETWEEN %s AND %s ORDER BY position LIMIT %s",
        (platform_id, position, safe, limit),
    )
    return [(row[0], Span(*row[1:])) async for row in cursor]


async def load_lines_of(connection: AsyncConnection[TupleRow], spans: Sequence[Span]) -> list[SettlementLine]:
    """Load the lines of spans, at least one."""
    cursor = await connection.execute(
        "SELECT l.* FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[])"  # noqa: S608 - a constant
        f" AS k (campaign_id, team_id, low, high) CROSS JOIN LATERAL (SELECT {LINE_COLUMNS}"
        " FROM settlement_lines AS own WHERE own.campaign_id = k.campaign_id AND own.team_id = k.team_id"
        " AND own.sequence BETWEEN k.low AND k.high) AS l",
        columns(span[:4] for span in spans),
    )
    return [read_line(row) async for row in cursor]
