"""Teams whose members have to be told that others joined, in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.store.twins import AHEAD, named, twins_alone

Connection: TypeAlias = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class JoinDigest:
    """Joins of a team that are told together: those after a version, and how many of them are there still."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    since_version: int
    version: int
    joined: int


_OPEN = "SELECT d.campaign_id, d.team_id FROM join_digests AS d JOIN teams AS t USING (campaign_id, team_id)"
_DUE = " ORDER BY d.due_at LIMIT %(limit)s FOR UPDATE OF d, t SKIP LOCKED"
_DUE_OF_ALL = f"{_OPEN} WHERE d.due_at <= %(now)s{_DUE}"
_DUE_OF_TWINS = (
    f"{_OPEN} JOIN {AHEAD} ON d.platform_id = k.whose AND {twins_alone('d')}"
    f" WHERE d.due_at > %(now)s AND d.due_at <= k.now{_DUE}"
)


async def take_due_digests(
    connection: Connection, now: datetime, ahead: Mapping[UUID, datetime], limit: int
) -> list[JoinDigest]:
    """Take away digests that are due, passing by those whose team is locked, and count what they tell.

    The teams are locked first and counted by a statement of its own: a join is in the count, or makes the next digest.
    """
    values = {"now": now, "limit": limit, **named(ahead)}
    keys = await (await connection.execute(_DUE_OF_ALL, values)).fetchall()
    if ahead:
        keys += await (await connection.execute(_DUE_OF_TWINS, values)).fetchall()
    if not keys:
        return []
    cursor = await connection.execute(
        "WITH due AS (DELETE FROM join_digests AS d USING unnest(%s::uuid[], %s::uuid[]) AS k (campaign_id, team_id)"
        " WHERE d.campaign_id = k.campaign_id AND d.team_id = k.team_id"
        " RETURNING d.platform_id, d.campaign_id, d.team_id, d.since_version)"
        " SELECT due.platform_id, due.campaign_id, due.team_id, due.since_version, t.version,"
        " (SELECT count(*) FROM seats AS s WHERE s.campaign_id = due.campaign_id AND s.team_id = due.team_id"
        " AND s.state = 'CONFIRMED' AND s.confirmed_version > due.since_version)"
        " FROM due JOIN teams AS t USING (campaign_id, team_id) WHERE t.state IN ('FORMING', 'TIPPED')",
        ([key[0] for key in keys], [key[1] for key in keys]),
    )
    return [JoinDigest(*row) async for row in cursor]


def digest_value(digest: JoinDigest) -> bytes:
    """Write what a fan-out job keeps of a digest."""
    return f"{digest.since_version} {digest.joined}".encode()


def read_digest(value: bytes) -> tuple[int, int]:
    """Read the version after which others joined, and how many."""
    since_version, joined = map(int, value.split())
    return since_version, joined
