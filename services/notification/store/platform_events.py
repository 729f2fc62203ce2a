"""What happened on platforms that read it, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import arrays
from services.chassis.arrays import byteas, packed, texts, times, uuids
from services.chassis.rows import Asked, ask, put

Connection: TypeAlias = AsyncConnection[TupleRow]

EVENTS_WAKE_CHANNEL = "groupbuy_platform_events"


class KeptEvent(NamedTuple):
    """One event, as it is kept for a platform."""

    platform_id: UUID
    event_id: UUID
    type: str
    subject: str
    occurred_at: datetime
    value: bytes
    traceparent: str
    """Of the trace that its posts go on in; empty where none is recorded."""


class EventRow(NamedTuple):
    """A kept event with its position."""

    position: int
    type: str
    occurred_at: datetime
    value: bytes


_values = attrgetter(*KeptEvent._fields)
_KINDS: Final = (uuids, uuids, texts, texts, times, byteas, texts)

# The first item makes sure that the transaction has its number before it draws a position: the horizon relies on it.
_KEEP = """
WITH transaction AS MATERIALIZED (SELECT pg_current_xact_id() AS number),
kept AS (
    INSERT INTO platform_events (kept_at, platform_id, event_id, type, subject, occurred_at, value, traceparent)
    SELECT %s, e.platform_id, e.event_id, e.type, e.subject, e.occurred_at, e.value, e.traceparent
    FROM transaction, unnest(%s, %s, %s, %s, %s, %s, %s)
         WITH ORDINALITY AS e (platform_id, event_id, type, subject, occurred_at, value, traceparent, nth)
    ORDER BY e.nth
    RETURNING platform_id, position, type, subject, kept_at
)
INSERT INTO webhook_posts (platform_id, endpoint_id, position, subject, state, due_at)
SELECT k.platform_id, w.endpoint_id, k.position, k.subject, 'PENDING', k.kept_at
FROM kept AS k
JOIN webhook_endpoints AS w ON w.platform_id = k.platform_id AND w.disabled_at IS NULL AND k.type = ANY(w.types)
"""


async def ask_readers(connection: Connection, platform_ids: Sequence[UUID]) -> Asked[UUID]:
    """Ask which platforms have their events kept."""
    return await ask(
        connection,
        "SELECT platform_id FROM event_readers WHERE platform_id = ANY(%s)",
        [(arrays.uuids(platform_ids),)],
        lambda row: row[0],
    )


async def keep_events(connection: Connection, events: Sequence[KeptEvent], now: datetime) -> None:
    """Keep events in order, each with a post for every endpoint that wants it."""
    await put(connection, _KEEP, [(now, *packed(_KINDS, map(_values, events)))])


async def save_reader(connection: Connection, platform_id: UUID, now: datetime) -> None:
    """Have a platform's events kept from now on."""
    await connection.execute(
        "INSERT INTO event_readers (platform_id, asked_at) VALUES (%s, %s)"
        " ON CONFLICT (platform_id) DO UPDATE SET asked_at = greatest(event_readers.asked_at, excluded.asked_at)",
        (platform_id, now),
    )


async def read_events(
    connection: Connection, platform_id: UUID, after: int, until: int, types: Sequence[str], limit: int
) -> list[EventRow]:
    """Read kept events after a position, up to another."""
    cursor = await connection.execute(
        "SELECT position, type, occurred_at, value FROM platform_events"
        " WHERE platform_id = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position LIMIT %s",
        (platform_id, after, until, list(types), limit),
    )
    return [EventRow(*row) async for row in cursor]


async def drop_events(connection: Connection, before: datetime, limit: int) -> int:
    """Forget events that were kept before a time, with their posts, and attempts of as long ago; how many of either."""
    cursor = await connection.execute(
        "WITH old AS (SELECT platform_id, position FROM platform_events WHERE kept_at < %s ORDER BY kept_at LIMIT %s),"
        " gone AS (DELETE FROM platform_events AS e USING old"
        " WHERE e.platform_id = old.platform_id AND e.position = old.position RETURNING 1)"
        " SELECT count(*) FROM gone",
        (before, limit),
    )
    [(events,)] = await cursor.fetchall()
    cursor = await connection.execute(
        "WITH old AS (SELECT platform_id, attempt_id FROM webhook_attempts WHERE attempted_at < %s"
        " ORDER BY attempted_at LIMIT %s),"
        " gone AS (DELETE FROM webhook_attempts AS a USING old"
        " WHERE a.platform_id = old.platform_id AND a.attempt_id = old.attempt_id RETURNING 1)"
        " SELECT count(*) FROM gone",
        (before, limit),
    )
    [(attempts,)] = await cursor.fetchall()
    return max(int(events), int(attempts))


async def drop_readers(connection: Connection, before: datetime) -> None:
    """Keep no more events for platforms that have no endpoint and have not streamed since a time."""
    await connection.execute(
        "DELETE FROM event_readers AS r WHERE asked_at < %s"
        " AND NOT EXISTS (SELECT FROM webhook_endpoints AS w WHERE w.platform_id = r.platform_id)",
        (before,),
    )
