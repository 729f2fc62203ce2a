"""What platforms reported about settlement lines, and how far the lines are."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import LineState, Report, ReportKind, SettlementLine

_COLUMNS = (
    "r.report_id, r.campaign_id, r.team_id, r.platform_id, r.line_id, r.seat_id, r.member_id, r.sequence,"
    " r.team_version, r.kind, r.failed_kind, r.amount, r.currency, r.reference, r.reason, r.state, r.reported_at"
)


async def insert_reports(connection: AsyncConnection[TupleRow], reports: Iterable[tuple[Report, bool]]) -> None:
    """Store reports, at least one, each with whether its event is told already."""
    await connection.execute(
        "INSERT INTO line_reports (report_id, campaign_id, team_id, platform_id, line_id, seat_id, member_id, sequence,"
        " team_version, kind, failed_kind, amount, currency, reference, reason, state, reported_at, told)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[],"
        " %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[],"
        " %s::text[], %s::timestamptz[], %s::boolean[])",
        columns((*_row(report), told) for report, told in reports),
    )


async def save_line_states(
    connection: AsyncConnection[TupleRow], states: Sequence[tuple[SettlementLine, LineState, datetime]]
) -> None:
    """Store how far lines are, at least one, each named once, and since when."""
    await connection.execute(
        "INSERT INTO line_states (campaign_id, line_id, platform_id, state, updated_at)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[])"
        " ON CONFLICT (campaign_id, line_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at",
        columns((line.campaign_id, line.line_id, line.platform_id, state, at) for line, state, at in states),
    )


async def load_reports(
    connection: AsyncConnection[TupleRow], lines: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[Report]]:
    """Load the reports of lines, at least one, named by campaign and line, in order."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM line_reports AS r"  # noqa: S608 - a constant
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, line_id) USING (campaign_id, line_id)"
        " ORDER BY r.sequence",
        columns(lines),
    )
    found: dict[tuple[UUID, UUID], list[Report]] = {}
    async for row in cursor:
        report = _report(row)
        found.setdefault((report.campaign_id, report.line_id), []).append(report)
    return found


async def load_reports_of(
    connection: AsyncConnection[TupleRow], spans: Sequence[tuple[UUID, UUID, int, int]]
) -> list[Report]:
    """Load the reports of spans, at least one, each named by campaign, team, first and last number."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[])"  # noqa: S608 - a constant
        " AS k (campaign_id, team_id, low, high) JOIN line_reports AS r ON r.campaign_id = k.campaign_id"
        " AND r.team_id = k.team_id AND r.sequence BETWEEN k.low AND k.high",
        columns(spans),
    )
    return [_report(row) async for row in cursor]


async def load_waiting_reports(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID, version: int, limit: int
) -> list[Report]:
    """Load the next reports of a locked team that wait behind its job of a version, and not behind a later one."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM line_reports AS r"  # noqa: S608 - a constant
        " WHERE r.campaign_id = %(campaign)s AND r.team_id = %(team)s AND NOT r.told AND NOT EXISTS ("
        "SELECT FROM settlement_jobs AS j WHERE j.campaign_id = %(campaign)s AND j.team_id = %(team)s"
        " AND j.version > %(version)s AND j.first_sequence < r.sequence) ORDER BY r.sequence LIMIT %(limit)s",
        {"campaign": campaign_id, "team": team_id, "version": version, "limit": limit},
    )
    return [_report(row) async for row in cursor]


async def mark_told(connection: AsyncConnection[TupleRow], reports: Sequence[Report]) -> None:
    """Store that the events of reports of one team, at least one and none left out between, are told."""
    first, last = reports[0], reports[-1]
    await connection.execute(
        "UPDATE line_reports SET told = true"
        " WHERE campaign_id = %s AND team_id = %s AND sequence BETWEEN %s AND %s AND NOT told",
        (first.campaign_id, first.team_id, first.sequence, last.sequence),
    )


def _row(report: Report) -> tuple[object, ...]:
    return (
        report.report_id,
        report.campaign_id,
        report.team_id,
        report.platform_id,
        report.line_id,
        report.seat_id,
        report.member_id,
        report.sequence,
        report.team_version,
        report.kind,
        report.failed_kind,
        report.amount,
        report.currency,
        report.reference,
        report.reason,
        report.state,
        report.at,
    )


def _report(row: TupleRow) -> Report:
    return Report(
        report_id=row[0],
        campaign_id=row[1],
        team_id=row[2],
        platform_id=row[3],
        line_id=row[4],
        seat_id=row[5],
        member_id=row[6],
        sequence=row[7],
        team_version=row[8],
        kind=ReportKind(row[9]),
        failed_kind=ReportKind(row[10]) if row[10] else None,
        amount=row[11],
        currency=row[12],
        reference=row[13],
        reason=row[14],
        state=LineState(row[15]),
        at=row[16],
    )
