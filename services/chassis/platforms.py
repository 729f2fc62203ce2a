"""Platforms and their keys: the copy that each service keeps, and who a call comes from by its key."""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import ids
from services.chassis.buckets import Bucket
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Poison, Rejected
from services.chassis.limit_rows import find_limits, save_limits
from services.chassis.messages import Event
from services.chassis.scopes import ALL, Scopes, allowed, name_of, ordered
from services.chassis.twin_clocks import CHANNEL as CLOCKS
from services.chassis.twins import TEST_KEY_PREFIX, is_test
from services.chassis.work import Work

TOPIC = "groupbuy.platform.v1"
ID_PREFIX = "plat"
KEY_PREFIX = "gbk"
FRESH_SECONDS = 5.0
GUESSES = "unknown_keys_per_second"
GUESSES_A_SECOND = 500
"""So many keys that nobody has are looked for, of all callers together; then new ones have to wait."""
_MOST_CACHED = 10_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of one API key."""

    key_id: str
    secret_hash: bytes
    expires_at: datetime | None
    scopes: Scopes = ALL
    label: str = ""
    created_at: datetime | None = None
    """None for keys of 0.1.0."""


@dataclass(frozen=True, slots=True)
class SuspendedMerchant:
    """A merchant of whom nobody opens or joins teams, and no campaigns are made, for now."""

    merchant_id: str
    reason: str
    """For everybody who asks."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform: its whole state."""

    platform_id: UUID
    name: str
    suspended: bool
    sequence: int
    keys: tuple[Key, ...]
    suspension_reason: str = ""
    """Why, for everybody who asks; empty where it is not suspended."""
    suspended_merchants: tuple[SuspendedMerchant, ...] = ()
    """By id."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """What an operator has set; the defaults hold for the rest."""
    test_of: UUID | None = None
    """Of a test twin: the platform that it is the twin of."""
    generation: int = 0
    """Of a twin: which one it is, from 1; else which one is in use, 0 for none."""
    clock_ahead: timedelta = timedelta()
    """Of a twin: how far its clock is ahead."""
    retired_at: datetime | None = None
    """Of a twin: since when it is given up."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key that was found to be good lets its bearer do."""

    platform_id: UUID
    key_id: str
    allows: Scopes
    """The needs of RPCs that it meets."""
    scopes: Scopes
    """What the key has, as it was made."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A key as it was read a moment ago."""

    at: float
    """By the monotonic clock, in seconds."""
    grant: Grant
    key: Key
    suspended: bool
    suspension_reason: str
    clock_ahead: timedelta


def key_prefix(platform_id: UUID) -> str:
    """Tell how keys of a platform begin: those of a test twin are told from real ones at a look."""
    return TEST_KEY_PREFIX if is_test(platform_id) else KEY_PREFIX


def hash_secret(secret: str) -> bytes:
    """Hash the secret part of a key: SHA-256 is enough, the secret has 200 random bits."""
    return hashlib.sha256(secret.encode()).digest()


class KeyRing:
    """Checks keys against the copy in the service's database; what was found is believed for a few seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, _Found] = {}
        self._believed: dict[str, tuple[float, Grant]] = {}
        self._used: set[tuple[UUID, str]] = set()
        self._guesses = Bucket(GUESSES_A_SECOND, time.monotonic())

    def believed(self, bearer: str) -> Grant | None:
        """Tell what a key lets its bearer do where just that key was found to be good a moment ago."""
        found = self._believed.get(bearer)
        return found[1] if found and time.monotonic() - found[0] < FRESH_SECONDS else None

    async def grant(self, bearer: str) -> Grant:
        """Tell what a key lets its bearer do; Rejected KEY_MISSING, KEY_UNKNOWN, KEY_EXPIRED or PLATFORM_SUSPENDED.

        Only who has the right secret is told more than that the key is not known. A twin's key is looked up for each
        call, with its clock: who was told that the clock was moved, or the twin reset, finds it so in every process.
        """
        prefix, _, rest = bearer.partition("_")
        key_id, _, secret = rest.partition("_")
        if prefix not in (KEY_PREFIX, TEST_KEY_PREFIX) or not secret:
            raise Rejected("KEY_MISSING" if not bearer else "KEY_UNKNOWN")
        found = await self._find(key_id, fresh=prefix == TEST_KEY_PREFIX)
        if prefix != key_prefix(found.grant.platform_id):
            raise Rejected("KEY_UNKNOWN")
        if not hmac.compare_digest(found.key.secret_hash, hash_secret(secret)):
            raise Rejected("KEY_UNKNOWN")
        self._check(found)
        self._used.add((found.grant.platform_id, key_id))
        if prefix == TEST_KEY_PREFIX:
            self._clock.set_ahead(found.grant.platform_id, found.clock_ahead)
        elif found.key.expires_at is None:
            self._believed = self._believed if len(self._believed) < _MOST_CACHED else {}
            self._believed[bearer] = found.at, found.grant
        return found.grant

    def take_uses(self) -> set[tuple[UUID, str]]:
        """Give the keys, by platform and id, that were found to be good since the last time.

        A key that is in use is looked at anew every few seconds, so that calls in between need not note it.
        """
        taken, self._used = self._used, set()
        return taken

    def put_back(self, uses: set[tuple[UUID, str]]) -> None:
        """Take uses back that could not be written."""
        self._used |= uses

    def _check(self, found: _Found) -> None:
        expires_at = found.key.expires_at
        if expires_at and expires_at <= self._clock.now():
            expired_at = expires_at.isoformat().replace("+00:00", "Z")
            raise Rejected("KEY_EXPIRED", {"key_id": found.key.key_id, "expired_at": expired_at})
        if found.suspended:
            raise Rejected("PLATFORM_SUSPENDED", {"suspension_reason": found.suspension_reason})

    async def _find(self, key_id: str, *, fresh: bool) -> _Found:
        known = self._known.get(key_id)
        if known and not fresh and time.monotonic() - known.at < FRESH_SECONDS:
            return known
        if known is None:
            self._let_look()
        async with self._database.read() as connection:
            found = await _find_key(connection, key_id)
        if found is None:
            self._known.pop(key_id, None)
            raise Rejected("KEY_UNKNOWN")
        if known is None:
            self._guesses.take(-1)
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()
        self._known[key_id] = found
        return found

    def _let_look(self) -> None:
        """Count a look for a key that was not seen before, as one that finds nothing; Rejected RATE_LIMITED.

        So who guesses keys takes no more of the database than a part, and who has one that is known notices nothing.
        """
        if wait := self._guesses.missing(1, time.monotonic()):
            said = {"limit": GUESSES, "allowed": GUESSES_A_SECOND, "retry_seconds": f"{wait:.3f}"}
            raise Rejected("RATE_LIMITED", said, retry_after=wait)
        self._guesses.take(1)


async def _find_key(connection: AsyncConnection[TupleRow], key_id: str) -> _Found | None:
    cursor = await connection.execute(
        "SELECT k.secret_hash, k.expires_at, k.scopes, k.label, k.created_at, k.platform_id, p.suspended,"
        " p.suspension_reason, p.clock_ahead FROM platform_keys AS k JOIN platforms AS p USING (platform_id)"
        " WHERE k.key_id = %s",
        (key_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    key = _key((key_id, *row[:5]))
    grant = Grant(row[5], key_id, allowed(key.scopes), key.scopes)
    return _Found(time.monotonic(), grant, key, row[6], row[7], row[8] * _MICROSECOND)


def _key(row: Sequence[Any]) -> Key:
    key_id, secret_hash, expires_at, stored, label, created_at = row
    return Key(key_id, secret_hash, expires_at, ALL if stored is None else frozenset(stored), label, created_at)


async def save_platforms(connection: AsyncConnection[TupleRow], platforms: Sequence[Platform], now: datetime) -> None:
    """Save the whole state of platforms; an older state never replaces a newer one."""
    for item in platforms:
        cursor = await connection.execute(
            "INSERT INTO platforms (platform_id, name, suspended, suspension_reason, sequence, created_at, test_of,"
            " generation, clock_ahead, retired_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (platform_id) DO UPDATE SET name = excluded.name, suspended = excluded.suspended,"
            " suspension_reason = excluded.suspension_reason, sequence = excluded.sequence, test_of = excluded.test_of,"
            " generation = excluded.generation, clock_ahead = excluded.clock_ahead, retired_at = excluded.retired_at"
            " WHERE platforms.sequence < excluded.sequence RETURNING 1",
            (
                item.platform_id,
                item.name,
                item.suspended,
                item.suspension_reason,
                item.sequence,
                now,
                item.test_of,
                item.generation,
                item.clock_ahead // _MICROSECOND,
                item.retired_at,
            ),
        )
        if await cursor.fetchone():
            await _save_keys(connection, item)
            await _save_suspended(connection, item)
            await save_limits(connection, item.platform_id, item.limits)


async def _save_keys(connection: AsyncConnection[TupleRow], item: Platform) -> None:
    """Save keys; those of a twin that was reset go over to the next one, in whichever order a service hears of both."""
    await connection.execute("DELETE FROM platform_keys WHERE platform_id = %s", (item.platform_id,))
    if item.test_of:
        await connection.execute(
            "DELETE FROM platform_keys AS k USING platforms AS p WHERE k.key_id = ANY (%s)"
            " AND p.platform_id = k.platform_id AND p.test_of = %s AND p.generation < %s",
            ([key.key_id for key in item.keys], item.test_of, item.generation),
        )
    for key in item.keys:
        await connection.execute(
            "INSERT INTO platform_keys (platform_id, key_id, secret_hash, expires_at, scopes, label, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key_id) DO NOTHING",
            (
                item.platform_id,
                key.key_id,
                key.secret_hash,
                key.expires_at,
                ordered(key.scopes),
                key.label,
                key.created_at,
            ),
        )


async def _save_suspended(connection: AsyncConnection[TupleRow], item: Platform) -> None:
    await connection.execute("DELETE FROM suspended_merchants WHERE platform_id = %s", (item.platform_id,))
    for merchant in item.suspended_merchants:
        await connection.execute(
            "INSERT INTO suspended_merchants (platform_id, merchant_id, reason, since) VALUES (%s, %s, %s, %s)",
            (item.platform_id, merchant.merchant_id, merchant.reason, merchant.since),
        )


async def lock_platform(connection: AsyncConnection[TupleRow], platform_id: UUID) -> Platform | None:
    """Load a platform with its whole state, locked."""
    return await _load(connection, platform_id, " FOR UPDATE")


async def find_platform(connection: AsyncConnection[TupleRow], platform_id: UUID) -> Platform | None:
    """Load a platform with its whole state."""
    return await _load(connection, platform_id, "")


_STATE = "name, suspended, sequence, suspension_reason, test_of, generation, clock_ahead, retired_at"


async def _load(connection: AsyncConnection[TupleRow], platform_id: UUID, lock: str) -> Platform | None:
    cursor = await connection.execute(
        f"SELECT {_STATE} FROM platforms WHERE platform_id = %s{lock}",  # noqa: S608 - constants
        (platform_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    name, suspended, sequence, reason, test_of, generation, clock_ahead, retired_at = row
    cursor = await connection.execute(
        "SELECT key_id, secret_hash, expires_at, scopes, label, created_at FROM platform_keys"
        " WHERE platform_id = %s ORDER BY key_id",
        (platform_id,),
    )
    keys = tuple([_key(key) async for key in cursor])
    cursor = await connection.execute(
        "SELECT merchant_id, reason, since FROM suspended_merchants WHERE platform_id = %s ORDER BY merchant_id",
        (platform_id,),
    )
    merchants = tuple([SuspendedMerchant(*merchant) async for merchant in cursor])
    limits = (await find_limits(connection, [platform_id])).get(platform_id, {})
    return Platform(
        platform_id,
        name,
        suspended,
        sequence,
        keys,
        reason,
        merchants,
        limits,
        test_of,
        generation,
        clock_ahead * _MICROSECOND,
        retired_at,
    )


async def on_platform_events(work: Work, events: list[Event]) -> None:
    """Keep the copy of platforms up to date: the handler of every service that reads their topic."""
    for event in events:
        envelope = event.read_as(events_pb2.PlatformEvent)
        found = ids.parse(ID_PREFIX, envelope.platform_id, 1)
        if found is None:
            raise Poison(event.event_id, "platform_id is no platform's id")
        platform = _platform(found[0], envelope)
        await save_platforms(work.connection, [platform], envelope.occurred_at.ToDatetime(tzinfo=UTC))
        if is_test(platform.platform_id):
            work.call(CLOCKS)


def _platform(platform_id: UUID, envelope: events_pb2.PlatformEvent) -> Platform:
    fact = envelope.platform_changed
    return Platform(
        platform_id,
        fact.name,
        fact.suspended,
        envelope.sequence,
        tuple(_told_key(key) for key in fact.keys),
        fact.suspension_reason,
        tuple(
            SuspendedMerchant(item.merchant_id, item.reason, item.since.ToDatetime(tzinfo=UTC))
            for item in fact.suspended_merchants
        ),
        read_limits(fact.limits),
        _live(fact.test_of),
        fact.generation,
        fact.clock_ahead.ToTimedelta(),
        fact.retired_at.ToDatetime(tzinfo=UTC) if fact.HasField("retired_at") else None,
    )


def _live(text: str) -> UUID | None:
    """Read the platform that a twin is the twin of."""
    found = ids.parse(ID_PREFIX, text, 1)
    return found[0] if found else None


def read_limits(limits: events_pb2.PlatformLimits) -> Mapping[str, int]:
    """Read the limits that are set, by name."""
    return {field.name: value for field, value in limits.ListFields()}


def _told_key(key: events_pb2.PlatformKey) -> Key:
    return Key(
        key.key_id,
        key.secret_hash,
        key.expires_at.ToDatetime(tzinfo=UTC) if key.HasField("expires_at") else None,
        frozenset(map(name_of, key.scopes)) or ALL,
        key.label,
        key.created_at.ToDatetime(tzinfo=UTC) if key.HasField("created_at") else None,
    )
