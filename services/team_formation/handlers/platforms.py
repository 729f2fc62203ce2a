"""Creates platforms and their keys, and publishes each platform's whole state."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2

from services.chassis import ids, messages, platforms, scopes
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.platforms import Key, Platform, SuspendedMerchant
from services.chassis.work import Work
from services.team_formation import translate
from services.team_formation.codes import ALPHABET

_ID_BYTES = 6
_SECRET_LETTERS = 40


class PlatformHandler:
    """What operators ask."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, name: str) -> tuple[UUID, str]:
        """Create a platform; returns its id and its first key, which is not stored and cannot be shown again."""
        key, text = _new_key(self._clock.now())
        platform = Platform(ids.new_id(), name, suspended=False, sequence=1, keys=(key,))
        async with self._database.work() as work:
            await self._save(work, platform)
        return platform.platform_id, text

    async def add_key(self, platform_id: UUID) -> str:
        """Add a key to a platform; Rejected PLATFORM_UNKNOWN."""
        key, text = _new_key(self._clock.now())
        async with self._database.work() as work:
            platform = await _locked(work, platform_id)
            await self._save(work, replace(platform, sequence=platform.sequence + 1, keys=(*platform.keys, key)))
        return text

    async def limits(self, platform_id: UUID) -> Mapping[str, int]:
        """Read what is set for a platform; Rejected PLATFORM_UNKNOWN."""
        async with self._database.work() as work:
            return (await _locked(work, platform_id)).limits

    async def set_limits(self, platform_id: UUID, limits: Mapping[str, int | None]) -> Mapping[str, int]:
        """Set limits of a platform, None for the default; gives all that are set. Rejected PLATFORM_UNKNOWN."""
        async with self._database.work() as work:
            platform = await _locked(work, platform_id)
            merged = {name: value for name, value in {**platform.limits, **limits}.items() if value is not None}
            await self._save(work, replace(platform, sequence=platform.sequence + 1, limits=merged))
        return merged

    async def _save(self, work: Work, platform: Platform) -> None:
        now = self._clock.now()
        await platforms.save_platforms(work.connection, [platform], now)
        event = events_pb2.PlatformEvent(
            event_id=str(ids.derived_id(platform.platform_id, platform.sequence)),
            platform_id=ids.opaque(platforms.ID_PREFIX, platform.platform_id),
            sequence=platform.sequence,
            occurred_at=translate.time(now),
            platform_changed=events_pb2.PlatformChanged(
                name=platform.name,
                keys=map(_written, platform.keys),
                suspended=platform.suspended,
                suspension_reason=platform.suspension_reason,
                suspended_merchants=map(_suspended, platform.suspended_merchants),
                limits=events_pb2.PlatformLimits(**platform.limits),
            ),
        )
        work.tell(messages.message(platforms.TOPIC, event.platform_id, event))


async def _locked(work: Work, platform_id: UUID) -> Platform:
    platform = await platforms.lock_platform(work.connection, platform_id)
    if platform is None:
        raise Rejected("PLATFORM_UNKNOWN")
    return platform


def _new_key(now: datetime) -> tuple[Key, str]:
    key_id = secrets.token_hex(_ID_BYTES)
    secret = "".join(secrets.choice(ALPHABET) for _ in range(_SECRET_LETTERS))
    key = Key(key_id, platforms.hash_secret(secret), None, created_at=now)
    return key, f"{platforms.KEY_PREFIX}_{key_id}_{secret}"


def _written(key: Key) -> events_pb2.PlatformKey:
    return events_pb2.PlatformKey(
        key_id=key.key_id,
        secret_hash=key.secret_hash,
        expires_at=translate.time(key.expires_at),
        scopes=map(scopes.value_of, scopes.ordered(key.scopes)),
        label=key.label,
        created_at=translate.time(key.created_at),
    )


def _suspended(item: SuspendedMerchant) -> events_pb2.SuspendedMerchant:
    return events_pb2.SuspendedMerchant(
        merchant_id=item.merchant_id, reason=item.reason, since=translate.time(item.since)
    )
