"""Fan-out jobs in SQL: events whose messages are not all made yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Connection: TypeAlias = AsyncConnection[TupleRow]


ALL_TEAMS = UUID(int=0)
"""Stands for the team of a job that concerns a whole campaign; its version is then the tally's number."""


@dataclass(frozen=True, slots=True)
class Job:
    """One event whose messages are not all made."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    topic: str
    sequence: int
    team_version: int
    value: bytes
    """The event's envelope as it came."""
    after_seat: UUID | None = None
    after_team: UUID | None = None
    traceparent: str = ""
    """Of the trace that its messages go on in; empty where none is recorded."""

    @property
    def of_campaign(self) -> bool:
        """Whether it concerns all open teams of a campaign rather than one."""
        return self.team_id == ALL_TEAMS


_JOB = (
    "j.platform_id, j.campaign_id, j.team_id, j.topic, j.sequence, j.team_version, j.value, j.after_seat, j.after_team,"
    " j.traceparent"
)


async def insert_jobs(connection: Connection, jobs: Sequence[Job], *, ready: bool, now: datetime) -> None:
    """Keep events for later; one that is kept already stays as it is."""
    await connection.cursor().executemany(
        "INSERT INTO fanout_jobs (platform_id, campaign_id, team_id, topic, sequence, team_version, value, after_seat,"
        " after_team, traceparent, ready, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [
            (
                job.platform_id,
                job.campaign_id,
                job.team_id,
                job.topic,
                job.sequence,
                job.team_version,
                job.value,
                job.after_seat,
                job.after_team,
                job.traceparent,
                ready,
                now,
            )
            for job in jobs
        ],
    )


async def lock_reached_jobs(connection: Connection, teams: Sequence[tuple[UUID, UUID, int]]) -> list[Job]:
    """Lock the waiting jobs of teams, given as (campaign, team, version), that have reached their version."""
    cursor = await connection.execute(
        f"SELECT {_JOB} FROM fanout_jobs AS j"  # noqa: S608
        " JOIN unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS k (campaign_id, team_id, version)"
        " USING (campaign_id, team_id)"
        " WHERE NOT j.ready AND j.team_version <= k.version"
        " ORDER BY j.campaign_id, j.team_id, j.topic, j.sequence FOR UPDATE OF j",
        tuple(map(list, zip(*teams, strict=True))),
    )
    return [Job(*row) async for row in cursor]


async def lock_ready_job(connection: Connection) -> Job | None:
    """Lock the oldest job that nobody works on."""
    cursor = await connection.execute(
        f"SELECT {_JOB} FROM fanout_jobs AS j WHERE j.ready ORDER BY j.created_at LIMIT 1 FOR UPDATE SKIP LOCKED"  # noqa: S608
    )
    row = await cursor.fetchone()
    return Job(*row) if row else None


async def save_progress(connection: Connection, job: Job, after_seat: UUID, after_team: UUID | None = None) -> None:
    """Note up to which seat the messages of a job are made, and of which team where it concerns many."""
    await connection.execute(
        "UPDATE fanout_jobs SET after_seat = %s, after_team = %s"
        " WHERE campaign_id = %s AND team_id = %s AND topic = %s AND sequence = %s",
        (after_seat, after_team, job.campaign_id, job.team_id, job.topic, job.sequence),
    )


async def delete_jobs(connection: Connection, jobs: Sequence[Job]) -> None:
    """Remove jobs that are done."""
    await connection.cursor().executemany(
        "DELETE FROM fanout_jobs WHERE campaign_id = %s AND team_id = %s AND topic = %s AND sequence = %s",
        [(job.campaign_id, job.team_id, job.topic, job.sequence) for job in jobs],
    )


async def drop_waiting_jobs(connection: Connection, before: datetime) -> int:
    """Remove jobs that have waited since before a time, as what they wait for has left the topics; returns how many."""
    cursor = await connection.execute(
        "WITH dropped AS (DELETE FROM fanout_jobs WHERE NOT ready AND created_at < %s RETURNING 1)"
        " SELECT count(*) FROM dropped",
        (before,),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
