"""Settlement that is not worked off yet."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.columns import columns
from services.pricing.domain import Cause, Job


async def insert_jobs(connection: AsyncConnection[TupleRow], jobs: Sequence[tuple[Job, str]]) -> None:
    """Store jobs, at least one, each with the trace that its lines go on in."""
    await connection.execute(
        "INSERT INTO settlement_jobs (campaign_id, team_id, version, platform_id, cause, cause_event_id, occurred_at,"
        " first_sequence, lines, done, after_number, seat_id, units, amount, payment_reference, traceparent)"
        " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[], %s::text[], %s::uuid[],"
        " %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::uuid[], %s::bigint[],"
        " %s::bigint[], %s::text[], %s::text[])",
        columns((*_row(job), traceparent) for job, traceparent in jobs),
    )


async def find_jobs(
    connection: AsyncConnection[TupleRow], after: tuple[UUID, UUID], limit: int
) -> list[tuple[UUID, UUID]]:
    """Find teams with work to do that wait for no tally, by campaign and team, after such a place, without locks."""
    cursor = await connection.execute(
        "SELECT DISTINCT j.campaign_id, j.team_id FROM settlement_jobs AS j WHERE (j.campaign_id, j.team_id) > (%s, %s)"
        " AND NOT EXISTS (SELECT FROM tally_waits AS w WHERE w.campaign_id = j.campaign_id AND w.team_id = j.team_id)"
        " ORDER BY j.campaign_id, j.team_id LIMIT %s",
        (*after, limit),
    )
    return [(campaign_id, team_id) async for campaign_id, team_id in cursor]


async def find_teams_with_jobs(
    connection: AsyncConnection[TupleRow], teams: Sequence[tuple[UUID, UUID]]
) -> set[tuple[UUID, UUID]]:
    """Tell which of the locked teams, at least one, have work to do."""
    cursor = await connection.execute(
        "SELECT DISTINCT campaign_id, team_id FROM settlement_jobs"
        " JOIN unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id) USING (campaign_id, team_id)",
        columns(teams),
    )
    return {(campaign_id, team_id) async for campaign_id, team_id in cursor}


async def load_first_job(
    connection: AsyncConnection[TupleRow], campaign_id: UUID, team_id: UUID
) -> tuple[Job, str] | None:
    """Load the oldest job of a locked team, and the trace that its lines go on in."""
    cursor = await connection.execute(
        "SELECT campaign_id, team_id, platform_id, version, cause, cause_event_id, occurred_at, first_sequence, lines,"
        " done, after_number, seat_id, units, amount, payment_reference, traceparent FROM settlement_jobs"
        " WHERE campaign_id = %s AND team_id = %s ORDER BY version LIMIT 1",
        (campaign_id, team_id),
    )
    row = await cursor.fetchone()
    return (_job(row), row[15]) if row else None


async def save_job(connection: AsyncConnection[TupleRow], job: Job) -> None:
    """Store how far a job is; one that is finished goes."""
    if not job.finished:
        await keep_job(connection, job)
        return
    await connection.execute(
        "DELETE FROM settlement_jobs WHERE campaign_id = %s AND team_id = %s AND version = %s",
        (job.campaign_id, job.team_id, job.version),
    )


async def keep_job(connection: AsyncConnection[TupleRow], job: Job) -> None:
    """Store how far a job is, though it be finished: more waits behind it."""
    await connection.execute(
        "UPDATE settlement_jobs SET done = %s, after_number = %s"
        " WHERE campaign_id = %s AND team_id = %s AND version = %s",
        (job.done, job.after_number, job.campaign_id, job.team_id, job.version),
    )


def _row(job: Job) -> tuple[object, ...]:
    return (
        job.campaign_id,
        job.team_id,
        job.version,
        job.platform_id,
        job.cause,
        job.cause_event_id,
        job.at,
        job.first_sequence,
        job.lines,
        job.done,
        job.after_number,
        job.seat_id,
        job.units,
        job.amount,
        job.payment_reference,
    )


def _job(row: TupleRow) -> Job:
    return Job(
        campaign_id=row[0],
        team_id=row[1],
        platform_id=row[2],
        version=row[3],
        cause=Cause(row[4]),
        cause_event_id=row[5],
        at=row[6],
        first_sequence=row[7],
        lines=row[8],
        done=row[9],
        after_number=row[10],
        seat_id=row[11],
        units=row[12],
        amount=row[13],
        payment_reference=row[14],
    )
