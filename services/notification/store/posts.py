"""Posts of events to endpoints, and their attempts, in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import PostState
from services.notification.store.endpoints import EndpointKey

Connection: TypeAlias = AsyncConnection[TupleRow]
MOST_REDRIVEN = 10_000
PostKey: TypeAlias = tuple[UUID, UUID, int]
"""Platform, endpoint and position."""


@dataclass(frozen=True, slots=True)
class ClaimedPost:
    """A post under a claim, with its event."""

    platform_id: UUID
    endpoint_id: UUID
    position: int
    attempts: int
    claim_id: UUID
    event_id: UUID
    type: str
    occurred_at: datetime
    value: bytes
    traceparent: str

    @property
    def key(self) -> PostKey:
        """Platform, endpoint and position."""
        return self.platform_id, self.endpoint_id, self.position

    @property
    def endpoint(self) -> EndpointKey:
        """Platform and endpoint."""
        return self.platform_id, self.endpoint_id


# An event waits for an earlier one of its subject where the endpoint wants them in order: that one is pending still,
# whoever has claimed it. Endpoints have turns, and one whose last attempt failed has one attempt under way.
_CLAIM = """
WITH found AS MATERIALIZED (
    SELECT p.platform_id, p.endpoint_id, p.position, p.due_at, coalesce(a.now, %(now)s) AS now
    FROM webhook_endpoints AS w
    LEFT JOIN unnest(%(twins)s::uuid[], %(nows)s::timestamptz[]) AS a (platform_id, now)
           ON a.platform_id = w.platform_id
    LEFT JOIN unnest(%(busy)s::uuid[], %(flying)s::integer[]) AS b (endpoint_id, flying)
           ON b.endpoint_id = w.endpoint_id
    CROSS JOIN LATERAL (
        SELECT platform_id, endpoint_id, position, due_at FROM webhook_posts AS own
        WHERE own.platform_id = w.platform_id AND own.endpoint_id = w.endpoint_id AND own.state = 'PENDING'
          AND own.due_at <= coalesce(a.now, %(now)s) AND (own.claimed_until IS NULL OR own.claimed_until <= %(now)s)
          AND NOT (w.in_order AND EXISTS (
              SELECT FROM webhook_posts AS earlier
              WHERE earlier.platform_id = own.platform_id AND earlier.endpoint_id = own.endpoint_id
                AND earlier.subject = own.subject AND earlier.state = 'PENDING' AND earlier.position < own.position))
        ORDER BY own.due_at, own.position
        LIMIT greatest(CASE WHEN w.failing THEN 1 ELSE %(each)s END - coalesce(b.flying, 0), 0)
        FOR UPDATE SKIP LOCKED
    ) AS p
    WHERE w.disabled_at IS NULL AND (w.resting_until IS NULL OR w.resting_until <= coalesce(a.now, %(now)s))
), due AS MATERIALIZED (
    SELECT platform_id, endpoint_id, position, now FROM found
    ORDER BY row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at, position), due_at LIMIT %(most)s
)
UPDATE webhook_posts AS p
SET claim_id = %(claim)s, claimed_until = %(until)s, first_at = coalesce(p.first_at, due.now)
FROM due JOIN platform_events AS e ON e.platform_id = due.platform_id AND e.position = due.position
WHERE p.platform_id = due.platform_id AND p.endpoint_id = due.endpoint_id AND p.position = due.position
RETURNING p.platform_id, p.endpoint_id, p.position, p.attempts, p.claim_id, e.event_id, e.type, e.occurred_at, e.value,
          e.traceparent
"""


async def claim_posts(
    connection: Connection,
    busy: Sequence[tuple[UUID, int]],
    each: int,
    most: int,
    claim_id: UUID,
    now: datetime,
    until: datetime,
    ahead: Mapping[UUID, datetime],
) -> list[ClaimedPost]:
    """Claim due posts, at most `each` for one endpoint with those under way (`busy`), and `most` in all.

    `ahead` has the time of platforms that are ahead of the machine's, `now`; claims end by the machine's for all.
    """
    cursor = await connection.execute(
        _CLAIM,
        {
            "busy": [endpoint for endpoint, _ in busy],
            "flying": [count for _, count in busy],
            "each": each,
            "most": most,
            "claim": claim_id,
            "now": now,
            "until": until,
            "twins": [*ahead],
            "nows": [*ahead.values()],
        },
    )
    return [ClaimedPost(*row) async for row in cursor]


async def release_posts(connection: Connection, claimed: Sequence[ClaimedPost]) -> None:
    """Give up claims on posts that were not made or not finished."""
    await connection.cursor().executemany(
        "UPDATE webhook_posts SET claim_id = NULL, claimed_until = NULL"
        " WHERE platform_id = %s AND endpoint_id = %s AND position = %s AND claim_id = %s",
        [(*item.key, item.claim_id) for item in sorted(claimed, key=lambda item: item.key)],
    )


class LockedPost(NamedTuple):
    """What recording an attempt needs of a post, locked."""

    state: PostState
    claim_id: UUID | None
    attempts: int
    first_at: datetime | None
    subject: str
    last_success_at: datetime | None
    in_order: bool


async def lock_posts(connection: Connection, keys: Sequence[PostKey]) -> dict[PostKey, LockedPost]:
    """Lock endpoints and then posts, in the order of their keys; those that were deleted meanwhile are not there.

    Whoever changes an endpoint locks it before its posts, too.
    """
    ordered = sorted(set(keys))
    endpoints = sorted({key[:2] for key in ordered})
    await connection.execute(
        "SELECT FROM unnest(%s::uuid[], %s::uuid[]) AS k (platform_id, endpoint_id) CROSS JOIN LATERAL"
        " (SELECT FROM webhook_endpoints AS w WHERE w.platform_id = k.platform_id"
        " AND w.endpoint_id = k.endpoint_id FOR NO KEY UPDATE) AS w",
        ([key[0] for key in endpoints], [key[1] for key in endpoints]),
    )
    cursor = await connection.execute(
        "SELECT d.*, w.last_success_at, w.in_order"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS k (platform_id, endpoint_id, position)"
        " CROSS JOIN LATERAL (SELECT platform_id, endpoint_id, position, state, claim_id, attempts, first_at, subject"
        "  FROM webhook_posts AS p WHERE p.platform_id = k.platform_id AND p.endpoint_id = k.endpoint_id"
        "  AND p.position = k.position FOR UPDATE) AS d"
        " JOIN webhook_endpoints AS w ON w.platform_id = d.platform_id AND w.endpoint_id = d.endpoint_id",
        ([key[0] for key in ordered], [key[1] for key in ordered], [key[2] for key in ordered]),
    )
    return {(row[0], row[1], row[2]): LockedPost(PostState(row[3]), *row[4:]) async for row in cursor}


async def end_posts(connection: Connection, rows: Sequence[tuple[PostKey, PostState, int, datetime]]) -> None:
    """End locked posts, given as (key, state, attempts, when)."""
    await connection.cursor().executemany(
        "UPDATE webhook_posts SET state = %s, attempts = %s, ended_at = %s, claim_id = NULL, claimed_until = NULL"
        " WHERE platform_id = %s AND endpoint_id = %s AND position = %s",
        [(state, attempts, at, *key) for key, state, attempts, at in rows],
    )


async def move_followers(connection: Connection, rows: Sequence[tuple[PostKey, str, datetime]]) -> None:
    """Have the posts behind locked ones of the same subject due at a time too, given as (key, subject, due)."""
    await connection.cursor().executemany(
        "UPDATE webhook_posts SET due_at = %s WHERE platform_id = %s AND endpoint_id = %s AND subject = %s"
        " AND position > %s AND state = 'PENDING' AND due_at <> %s",
        [(due_at, key[0], key[1], subject, key[2], due_at) for key, subject, due_at in rows],
    )


async def hurry_posts(connection: Connection, key: EndpointKey, now: datetime) -> None:
    """Have what waits for an endpoint posted now, as if it had never been tried."""
    await connection.execute(
        "UPDATE webhook_posts SET attempts = 0, first_at = NULL, due_at = %s"
        " WHERE platform_id = %s AND endpoint_id = %s AND state = 'PENDING' AND claim_id IS NULL",
        (now, *key),
    )


async def wait_posts(connection: Connection, rows: Sequence[tuple[PostKey, int, datetime, bool]]) -> None:
    """Count attempts of locked posts, given as (key, attempts, due, ours); another's claim is left as it is."""
    await connection.cursor().executemany(
        "UPDATE webhook_posts SET attempts = %s, due_at = CASE WHEN %s THEN %s ELSE due_at END,"
        " claim_id = CASE WHEN %s THEN NULL ELSE claim_id END,"
        " claimed_until = CASE WHEN %s THEN NULL ELSE claimed_until END"
        " WHERE platform_id = %s AND endpoint_id = %s AND position = %s",
        [(attempts, ours, due_at, ours, ours, *key) for key, attempts, due_at, ours in rows],
    )


@dataclass(frozen=True, slots=True)
class Redrive:
    """Which kept events are posted again: by type and time; those that were taken too, if wanted."""

    types: Sequence[str]
    since: datetime
    until: datetime
    taken_too: bool


async def redrive_posts(connection: Connection, key: EndpointKey, wanted: Redrive, now: datetime) -> int:
    """Have kept events posted to an endpoint again, the oldest first, also those that wait for their next attempt.

    Returns how many, MOST_REDRIVEN at most; what is due or under way goes on so.
    """
    cursor = await connection.execute(
        "WITH again AS ("
        " INSERT INTO webhook_posts AS p (platform_id, endpoint_id, position, subject, state, due_at)"
        " SELECT platform_id, %s, position, subject, 'PENDING', %s FROM platform_events"
        " WHERE platform_id = %s AND type = ANY(%s) AND occurred_at >= %s AND occurred_at < %s"
        " AND NOT EXISTS (SELECT FROM webhook_posts AS o WHERE o.platform_id = platform_events.platform_id"
        " AND o.endpoint_id = %s AND o.position = platform_events.position AND (o.state = 'TAKEN' AND NOT %s"
        " OR o.state = 'PENDING' AND (o.due_at <= %s OR o.claim_id IS NOT NULL))) ORDER BY position LIMIT %s"
        " ON CONFLICT (platform_id, endpoint_id, position) DO UPDATE SET state = 'PENDING', attempts = 0,"
        " first_at = NULL, due_at = excluded.due_at, ended_at = NULL"
        " WHERE p.claim_id IS NULL RETURNING 1)"
        " SELECT count(*) FROM again",
        (
            key[1],
            now,
            key[0],
            list(wanted.types),
            wanted.since,
            wanted.until,
            key[1],
            wanted.taken_too,
            now,
            MOST_REDRIVEN,
        ),
    )
    [(count,)] = await cursor.fetchall()
    return int(count)


@dataclass(frozen=True, slots=True)
class PostAttempt:
    """One attempt to post, as it is recorded."""

    platform_id: UUID
    attempt_id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    number: int
    attempted_at: datetime
    milliseconds: int
    status: int
    answer: str
    problem: str


_ATTEMPT = ", ".join(PostAttempt.__dataclass_fields__)


async def insert_post_attempts(connection: Connection, attempts: Sequence[PostAttempt]) -> None:
    """Record attempts."""
    marks = ", ".join(["%s"] * len(PostAttempt.__dataclass_fields__))
    await connection.cursor().executemany(
        f"INSERT INTO webhook_attempts ({_ATTEMPT}) VALUES ({marks})",  # noqa: S608 - constants
        [tuple(getattr(item, name) for name in PostAttempt.__dataclass_fields__) for item in attempts],
    )


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """Which attempts are asked for."""

    platform_id: UUID
    endpoint_id: UUID | None = None
    event_id: UUID | None = None
    failed_only: bool = False


async def list_post_attempts(
    connection: Connection, wanted: AttemptFilter, before: UUID | None, limit: int
) -> list[PostAttempt]:
    """List attempts, the newest first, from before one of them on."""
    conditions, values = ["platform_id = %s"], list[Any]([wanted.platform_id])
    for column, value in (("endpoint_id", wanted.endpoint_id), ("event_id", wanted.event_id)):
        if value:
            conditions.append(f"{column} = %s")
            values.append(value)
    if wanted.failed_only:
        conditions.append("status NOT BETWEEN 200 AND 299")
    if before:
        conditions.append("attempt_id < %s")
        values.append(before)
    cursor = await connection.execute(
        f"SELECT {_ATTEMPT} FROM webhook_attempts WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
        " ORDER BY attempt_id DESC LIMIT %s",
        (*values, limit),
    )
    return [PostAttempt(*row) async for row in cursor]
