"""Platforms and their keys: the copy that each service keeps, and who a call comes from by its key."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Poison, Rejected
from services.chassis.messages import Event
from services.chassis.work import Work

TOPIC = "groupbuy.platform.v1"
ID_PREFIX = "plat"
KEY_PREFIX = "gbk"
FRESH_SECONDS = 5.0
_MOST_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of one API key."""

    key_id: str
    secret_hash: bytes
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform with its keys."""

    platform_id: UUID
    name: str
    suspended: bool
    sequence: int
    keys: tuple[Key, ...]


def hash_secret(secret: str) -> bytes:
    """Hash the secret part of a key: SHA-256 is enough, the secret has 200 random bits."""
    return hashlib.sha256(secret.encode()).digest()


class KeyRing:
    """Checks keys against the copy in the service's database; what was found is believed for a few seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[float, UUID, Key, bool]] = {}
        self._believed: dict[str, tuple[float, UUID]] = {}

    def believed(self, bearer: str) -> UUID | None:
        """Tell whose key it is where just that key was found to be good a moment ago."""
        found = self._believed.get(bearer)
        return found[1] if found and time.monotonic() - found[0] < FRESH_SECONDS else None

    async def platform_of(self, bearer: str) -> UUID:
        """Tell whose key it is; Rejected KEY_MISSING, KEY_UNKNOWN or PLATFORM_SUSPENDED."""
        prefix, _, rest = bearer.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix != KEY_PREFIX or not secret:
            raise Rejected("KEY_MISSING" if not bearer else "KEY_UNKNOWN")
        found_at, platform_id, key, suspended = await self._find(key_id)
        if not hmac.compare_digest(key.secret_hash, hash_secret(secret)):
            raise Rejected("KEY_UNKNOWN")
        if key.expires_at and key.expires_at <= self._clock.now():
            raise Rejected("KEY_UNKNOWN")
        if suspended:
            raise Rejected("PLATFORM_SUSPENDED")
        if key.expires_at is None:
            self._believed = self._believed if len(self._believed) < _MOST_CACHED else {}
            self._believed[bearer] = found_at, platform_id
        return platform_id

    async def _find(self, key_id: str) -> tuple[float, UUID, Key, bool]:
        known = self._known.get(key_id)
        if known and time.monotonic() - known[0] < FRESH_SECONDS:
            return known
        async with self._database.read() as connection:
            row = await _find_key(connection, key_id)
        if row is None:
            self._known.pop(key_id, None)
            raise Rejected("KEY_UNKNOWN")
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        self._known[key_id] = found = (time.monotonic(), *row)
        return found


async def _find_key(connection: AsyncConnection[TupleRow], key_id: str) -> tuple[UUID, Key, bool] | None:
    cursor = await connection.execute(
        "SELECT k.platform_id, k.secret_hash, k.expires_at, p.suspended"
        " FROM platform_keys AS k JOIN platforms AS p USING (platform_id) WHERE k.key_id = %s",
        (key_id,),
    )
    row = await cursor.fetchone()
    return (row[0], Key(key_id, row[1], row[2]), row[3]) if row else None


async def save_platforms(connection: AsyncConnection[TupleRow], platforms: Sequence[Platform], now: datetime) -> None:
    """Save the whole state of platforms; an older state never replaces a newer one."""
    for item in platforms:
        cursor = await connection.execute(
            "INSERT INTO platforms (platform_id, name, suspended, sequence, created_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (platform_id) DO UPDATE SET name = excluded.name, suspended = excluded.suspended,"
            " sequence = excluded.sequence WHERE platforms.sequence < excluded.sequence RETURNING 1",
            (item.platform_id, item.name, item.suspended, item.sequence, now),
        )
        if await cursor.fetchone():
            await _save_keys(connection, item)


async def _save_keys(connection: AsyncConnection[TupleRow], item: Platform) -> None:
    await connection.execute("DELETE FROM platform_keys WHERE platform_id = %s", (item.platform_id,))
    for key in item.keys:
        await connection.execute(
            "INSERT INTO platform_keys (platform_id, key_id, secret_hash, expires_at) VALUES (%s, %s, %s, %s)",
            (item.platform_id, key.key_id, key.secret_hash, key.expires_at),
        )


async def lock_platform(connection: AsyncConnection[TupleRow], platform_id: UUID) -> Platform | None:
    """Load a platform with its keys, locked."""
    cursor = await connection.execute(
        "SELECT name, suspended, sequence FROM platforms WHERE platform_id = %s FOR UPDATE", (platform_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    name, suspended, sequence = row
    cursor = await connection.execute(
        "SELECT key_id, secret_hash, expires_at FROM platform_keys WHERE platform_id = %s ORDER BY key_id",
        (platform_id,),
    )
    return Platform(platform_id, name, suspended, sequence, tuple([Key(*key) async for key in cursor]))


async def on_platform_events(work: Work, events: list[Event]) -> None:
    """Keep the copy of platforms up to date: the handler of every service that reads their topic."""
    for event in events:
        envelope = event.read_as(events_pb2.PlatformEvent)
        found = ids.parse(ID_PREFIX, envelope.platform_id, 1)
        if found is None:
            raise Poison(event.event_id, "platform_id is no platform's id")
        platform = _platform(found[0], envelope)
        await save_platforms(work.connection, [platform], envelope.occurred_at.ToDatetime(tzinfo=UTC))


def _platform(platform_id: UUID, envelope: events_pb2.PlatformEvent) -> Platform:
    fact = envelope.platform_changed
    keys = tuple(
        Key(key.key_id, key.secret_hash, key.expires_at.ToDatetime(tzinfo=UTC) if key.HasField("expires_at") else None)
        for key in fact.keys
    )
    return Platform(platform_id, fact.name, fact.suspended, envelope.sequence, keys)
