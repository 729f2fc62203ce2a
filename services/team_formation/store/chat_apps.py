"""Apps of chat services, and their calls until they are worked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.arrays import bigints, booleans, byteas, packed, texts, times, uuids

_LOOKED_AT = 1000
_APP = "app_id, platform_id, service, name, secrets, version, created_at, updated_at, allows_leave, open_link"


@dataclass(frozen=True, slots=True)
class AppRow:
    """An app as it is stored."""

    app_id: str
    platform_id: UUID
    service: str
    name: str
    secrets: bytes = field(repr=False)
    version: int
    created_at: datetime
    updated_at: datetime
    allows_leave: bool = False
    """Members may give their places back in its chats."""
    open_link: str = ""
    """What opens a chat with it, with {code} where a code goes."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call that is to be stored."""

    app_id: str
    event_id: str
    platform_id: UUID
    kind: str
    received_at: datetime
    happened_at: datetime
    is_covered: bool
    payload: bytes | None = field(default=None, repr=False)
    """Sealed; none where nothing is to be worked."""
    due_at: datetime | None = None
    """When it is to be worked; None where it is worked already."""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class CallNote:
    """What became of an attempt to work a call."""

    call: "DueCall"
    outcome: str
    due_at: datetime | None = None
    """When it is to be worked again; None where it is worked: then what it said is forgotten."""


@dataclass(frozen=True, slots=True)
class DueCall:
    """A call that was claimed."""

    app_id: str
    event_id: str
    platform_id: UUID
    service: str
    payload: bytes = field(repr=False)
    happened_at: datetime
    attempts: int
    """With this one; whoever claims it after this raises it."""
    allows_leave: bool = False
    """Members may give their places back in chats of its app."""
    is_covered: bool = False
    """A signature covers what it says."""
    received_at: datetime | None = None
    intent: bytes | None = field(default=None, repr=False)
    """What it has begun, sealed."""


_KINDS = (texts, texts, uuids, texts, times, times, booleans, byteas, times, texts)
_columns = attrgetter(
    "app_id",
    "event_id",
    "platform_id",
    "kind",
    "received_at",
    "happened_at",
    "is_covered",
    "payload",
    "due_at",
    "outcome",
)


async def find_app(connection: AsyncConnection[TupleRow], app_id: str) -> AppRow | None:
    """Find an app by its address. A finder: a call of a chat service names no platform."""
    cursor = await connection.execute(f"SELECT {_APP} FROM chat_apps WHERE app_id = %s", (app_id,))  # noqa: S608 - a constant
    row = await cursor.fetchone()
    return AppRow(*row) if row else None


async def list_apps(connection: AsyncConnection[TupleRow], platform_id: UUID) -> list[AppRow]:
    """List the apps of a platform."""
    cursor = await connection.execute(
        f"SELECT {_APP} FROM chat_apps WHERE platform_id = %s ORDER BY service, name",  # noqa: S608 - a constant
        (platform_id,),
    )
    return [AppRow(*row) async for row in cursor]


async def lock_apps(connection: AsyncConnection[TupleRow], platform_id: UUID) -> None:
    """Keep others from changing the apps of a platform until this transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('chat_apps ' || %s, 0))", (str(platform_id),)
    )


async def save_app(connection: AsyncConnection[TupleRow], row: AppRow, sealed_with: str) -> None:
    """Store an app; one with the same service and name is changed."""
    await connection.execute(
        "INSERT INTO chat_apps (app_id, platform_id, service, name, secrets, sealed_with, version, created_at,"
        " updated_at, allows_leave, open_link) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (platform_id, service, name) DO UPDATE SET secrets = excluded.secrets,"
        " sealed_with = excluded.sealed_with, version = excluded.version, updated_at = excluded.updated_at,"
        " allows_leave = excluded.allows_leave, open_link = excluded.open_link",
        (
            row.app_id,
            row.platform_id,
            row.service,
            row.name,
            row.secrets,
            sealed_with,
            row.version,
            row.created_at,
            row.updated_at,
            row.allows_leave,
            row.open_link,
        ),
    )


async def delete_app(connection: AsyncConnection[TupleRow], platform_id: UUID, service: str, name: str) -> None:
    """Forget an app, and with it its calls."""
    await connection.execute(
        "DELETE FROM chat_apps WHERE platform_id = %s AND service = %s AND name = %s",
        (platform_id, service, name),
    )


async def find_sealed_otherwise(connection: AsyncConnection[TupleRow], key_id: str, limit: int) -> list[AppRow]:
    """Find apps that another key has sealed, locked. A finder over all platforms."""
    cursor = await connection.execute(
        f"SELECT {_APP} FROM chat_apps WHERE sealed_with <> %s ORDER BY app_id LIMIT %s FOR UPDATE SKIP LOCKED",  # noqa: S608 - a constant
        (key_id, limit),
    )
    return [AppRow(*row) async for row in cursor]


async def keep_calls(connection: AsyncConnection[TupleRow], calls: Sequence[CallRow]) -> None:
    """Store calls; those that were stored before have no effect."""
    await connection.execute(
        "INSERT INTO hook_calls (app_id, event_id, platform_id, kind, received_at, happened_at, is_covered, payload,"
        " due_at, outcome) SELECT c.* FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) AS c (app_id, event_id,"
        " platform_id, kind, received_at, happened_at, is_covered, payload, due_at, outcome)"
        " ORDER BY c.app_id, c.event_id ON CONFLICT (app_id, event_id) DO NOTHING",
        packed(_KINDS, map(_columns, calls)),
    )


async def claim_calls(
    connection: AsyncConnection[TupleRow],
    now: datetime,
    lease: timedelta,
    room: tuple[int, int],
    busy: Sequence[str],
) -> list[DueCall]:
    """Claim calls whose time has come: `room` is for how many in all and of one app, `busy` are apps without room.

    One whose worker dies is due again when the lease has run out. However many are due, no more than the first of them
    are looked at: an app that fills their places is busy soon, and left out.
    """
    limit, per_app = room
    cursor = await connection.execute(
        "WITH turns AS"
        " (SELECT app_id, event_id, due_at, row_number() OVER (PARTITION BY app_id ORDER BY due_at) AS turn"
        " FROM (SELECT app_id, event_id, due_at FROM hook_calls WHERE due_at <= %s AND app_id <> ALL (%s)"
        " ORDER BY due_at LIMIT %s) AS first),"
        " taken AS (SELECT c.app_id, c.event_id FROM hook_calls AS c JOIN turns AS t USING (app_id, event_id)"
        " WHERE t.turn <= %s AND c.due_at <= %s ORDER BY t.turn, t.due_at LIMIT %s FOR UPDATE OF c SKIP LOCKED)"
        " UPDATE hook_calls AS c SET due_at = %s, attempts = c.attempts + 1"
        " FROM taken JOIN chat_apps AS a USING (app_id)"
        " WHERE c.app_id = taken.app_id AND c.event_id = taken.event_id"
        " RETURNING c.app_id, c.event_id, c.platform_id, a.service, c.payload, c.happened_at, c.attempts,"
        " a.allows_leave, c.is_covered, c.received_at, c.intent",
        (now, texts(busy), _LOOKED_AT, per_app, now, limit, now + lease),
    )
    return [DueCall(*row) async for row in cursor]


async def note_calls(connection: AsyncConnection[TupleRow], notes: Sequence[CallNote]) -> None:
    """Note what became of calls, but of those that somebody else has claimed since; a transaction by key."""
    await connection.execute(
        "UPDATE hook_calls AS c SET due_at = n.due_at, outcome = n.outcome,"
        " payload = CASE WHEN n.due_at IS NOT NULL THEN c.payload END,"
        " intent = CASE WHEN n.due_at IS NOT NULL THEN c.intent END"
        " FROM unnest(%s, %s, %s, %s, %s) AS n (app_id, event_id, attempts, due_at, outcome)"
        " WHERE c.app_id = n.app_id AND c.event_id = n.event_id AND c.attempts = n.attempts AND c.due_at IS NOT NULL",
        (
            texts(note.call.app_id for note in notes),
            texts(note.call.event_id for note in notes),
            bigints(note.call.attempts for note in notes),
            times(note.due_at for note in notes),
            texts(note.outcome for note in notes),
        ),
    )


async def note_intent(connection: AsyncConnection[TupleRow], call: DueCall, intent: bytes) -> None:
    """Note what a claimed call is about to have done."""
    await connection.execute(
        "UPDATE hook_calls SET intent = %s WHERE app_id = %s AND event_id = %s AND platform_id = %s",
        (intent, call.app_id, call.event_id, call.platform_id),
    )


async def forget_calls(connection: AsyncConnection[TupleRow], before: datetime, limit: int) -> int:
    """Forget calls that were worked and came before a time; returns how many."""
    cursor = await connection.execute(
        "DELETE FROM hook_calls WHERE (app_id, event_id) IN (SELECT app_id, event_id FROM hook_calls"
        " WHERE received_at < %s AND due_at IS NULL ORDER BY received_at LIMIT %s) RETURNING 1",
        (before, limit),
    )
    return len(await cursor.fetchall())
