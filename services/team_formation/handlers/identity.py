"""Decides what becomes of a platform's keys and of suspensions: its state before, a command, its state after."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from google.protobuf.message import Message

from services.chassis import platforms
from services.chassis.errors import Rejected
from services.chassis.platforms import Key, Platform, SuspendedMerchant
from services.chassis.scopes import ALL, Scopes
from services.team_formation.codes import ALPHABET
from services.team_formation.translate import identity as wire

MOST_KEYS = 50
MOST_SUSPENDED_MERCHANTS = 500
"""Of a platform: each of its events carries all of them."""
EXPIRED_KEPT = timedelta(days=30)
"""So long an expired key is listed."""
_ID_BYTES = 6
_SECRET_LETTERS = 40


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Another key."""

    scopes: Scopes = ALL
    label: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RotateKey:
    """A key in the place of another one, which is good for a time still."""

    key_id: str
    overlap: timedelta
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """A key that is taken back."""

    key_id: str
    even_last: bool
    """Whether the last one with admin may go too: those who run the engine can make another one.

    Of a test twin it always may: a key of the platform makes another one.
    """


@dataclass(frozen=True, slots=True)
class SuspendPlatform:
    """Every call of the platform is refused."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResumePlatform:
    """Its calls are let in again."""


@dataclass(frozen=True, slots=True)
class SuspendMerchant:
    """Nobody opens or joins teams of one of its merchants."""

    merchant_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeMerchant:
    """That ends."""

    merchant_id: str


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Limits of the platform; None for those whose default is to hold again."""

    limits: Mapping[str, int | None]


Command: TypeAlias = (
    CreateKey | RotateKey | RevokeKey | SuspendPlatform | ResumePlatform | SuspendMerchant | ResumeMerchant | SetLimits
)


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that changed, as the audit tells it: without a secret."""

    subject: str
    before: Message | None
    after: Message | None


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    platform: Platform
    touched: tuple[Touched, ...] = ()
    """Nothing where all was so already."""
    key: Key | None = None
    """The key that was made."""
    text: str = ""
    """All of it, which is kept nowhere."""
    replaced: Key | None = None
    merchant: SuspendedMerchant | None = None
    """The one that is suspended."""
    merchant_id: str = ""
    """The one whose suspension began, changed or ended."""


def decide(platform: Platform, command: Command, now: datetime) -> Done:
    """Change a platform; Rejected KEY_NOT_FOUND, KEY_LIMIT, LAST_ADMIN_KEY or MERCHANT_LIMIT."""
    return _DECIDE[type(command)](_without_old_keys(platform, now), command, now)


def new_key(platform_id: UUID, wanted: CreateKey, now: datetime) -> tuple[Key, str]:
    """Make a key of a platform; beside it, all of its text."""
    key_id = secrets.token_hex(_ID_BYTES)
    secret = "".join(secrets.choice(ALPHABET) for _ in range(_SECRET_LETTERS))
    key = Key(key_id, platforms.hash_secret(secret), wanted.expires_at, wanted.scopes, wanted.label, now)
    return key, f"{platforms.key_prefix(platform_id)}_{key_id}_{secret}"


def _create_key(platform: Platform, command: CreateKey, now: datetime) -> Done:
    if len(platform.keys) >= MOST_KEYS:
        raise Rejected("KEY_LIMIT", {"limit": MOST_KEYS})
    key, text = new_key(platform.platform_id, command, now)
    return Done(
        replace(platform, keys=(*platform.keys, key)),
        (Touched(f"key {key.key_id}", None, wire.api_key(key)),),
        key,
        text,
    )


def _rotate_key(platform: Platform, command: RotateKey, now: datetime) -> Done:
    old = _key(platform, command.key_id)
    made = _create_key(platform, CreateKey(old.scopes, old.label, command.expires_at), now)
    until = min(now + command.overlap, old.expires_at or datetime.max.replace(tzinfo=now.tzinfo))
    ending = replace(old, expires_at=until)
    keys = tuple(ending if key.key_id == old.key_id else key for key in made.platform.keys)
    changed = Touched(f"key {old.key_id}", wire.api_key(old), wire.api_key(ending))
    return replace(made, platform=replace(made.platform, keys=keys), touched=(*made.touched, changed), replaced=ending)


def _revoke_key(platform: Platform, command: RevokeKey, now: datetime) -> Done:
    old = _key(platform, command.key_id)
    kept = tuple(key for key in platform.keys if key.key_id != old.key_id)
    if not (command.even_last or platform.test_of) and _is_last_admin(old, kept, now):
        raise Rejected("LAST_ADMIN_KEY", {"key_id": old.key_id})
    return Done(replace(platform, keys=kept), (Touched(f"key {old.key_id}", wire.api_key(old), None),))


def _is_last_admin(old: Key, kept: tuple[Key, ...], now: datetime) -> bool:
    """Tell whether no key that manages keys would be left that is good for as long as one that goes."""
    if "admin" not in old.scopes or (old.expires_at and old.expires_at <= now):
        return False
    ever = datetime.max.replace(tzinfo=now.tzinfo)
    admins = [key.expires_at or ever for key in kept if "admin" in key.scopes]
    return max(admins, default=now) < (old.expires_at or ever)


def _suspend_platform(platform: Platform, command: SuspendPlatform, _now: datetime) -> Done:
    return _platform_changed(platform, replace(platform, suspended=True, suspension_reason=command.reason))


def _resume_platform(platform: Platform, _command: ResumePlatform, _now: datetime) -> Done:
    return _platform_changed(platform, replace(platform, suspended=False, suspension_reason=""))


def _platform_changed(before: Platform, after: Platform) -> Done:
    if before == after:
        return Done(after)
    return Done(after, (Touched("platform", wire.platform_state(before), wire.platform_state(after)),))


def _suspend_merchant(platform: Platform, command: SuspendMerchant, now: datetime) -> Done:
    before = _merchant(platform, command.merchant_id)
    if before is None and len(platform.suspended_merchants) >= MOST_SUSPENDED_MERCHANTS:
        raise Rejected("MERCHANT_LIMIT", {"limit": MOST_SUSPENDED_MERCHANTS})
    after = SuspendedMerchant(command.merchant_id, command.reason, before.since if before else now)
    return replace(_merchant_changed(platform, before, after), merchant=after)


def _resume_merchant(platform: Platform, command: ResumeMerchant, _now: datetime) -> Done:
    before = _merchant(platform, command.merchant_id)
    return _merchant_changed(platform, before, None) if before else Done(platform)


def _merchant_changed(platform: Platform, before: SuspendedMerchant | None, after: SuspendedMerchant | None) -> Done:
    if before == after:
        return Done(platform)
    one = before or after
    assert one, "a merchant that changes was suspended, or is"  # noqa: S101 - for the type checker
    others = [item for item in platform.suspended_merchants if item.merchant_id != one.merchant_id]
    merchants = sorted([*others, *([after] if after else [])], key=lambda item: item.merchant_id)
    told = Touched(
        f"merchant {one.merchant_id}",
        wire.suspended_merchant(before) if before else None,
        wire.suspended_merchant(after) if after else None,
    )
    return Done(replace(platform, suspended_merchants=tuple(merchants)), (told,), merchant_id=one.merchant_id)


def _set_limits(platform: Platform, command: SetLimits, _now: datetime) -> Done:
    limits = {name: value for name, value in {**platform.limits, **command.limits}.items() if value is not None}
    after = replace(platform, limits=limits)
    if limits == platform.limits:
        return Done(after)
    return Done(after, (Touched("limits", wire.platform_limits(platform), wire.platform_limits(after)),))


def _key(platform: Platform, key_id: str) -> Key:
    for key in platform.keys:
        if key.key_id == key_id:
            return key
    raise Rejected("KEY_NOT_FOUND", {"key_id": key_id})


def _merchant(platform: Platform, merchant_id: str) -> SuspendedMerchant | None:
    return next((item for item in platform.suspended_merchants if item.merchant_id == merchant_id), None)


def _without_old_keys(platform: Platform, now: datetime) -> Platform:
    kept = tuple(key for key in platform.keys if not key.expires_at or key.expires_at > now - EXPIRED_KEPT)
    return replace(platform, keys=kept)


_DECIDE: dict[type, Callable[..., Done]] = {
    CreateKey: _create_key,
    RotateKey: _rotate_key,
    RevokeKey: _revoke_key,
    SuspendPlatform: _suspend_platform,
    ResumePlatform: _resume_platform,
    SuspendMerchant: _suspend_merchant,
    ResumeMerchant: _resume_merchant,
    SetLimits: _set_limits,
}
