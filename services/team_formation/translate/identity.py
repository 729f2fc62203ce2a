"""Platforms, keys and suspended merchants as messages; no secret is in any of them but the hash that copies need."""

from groupbuy.team_formation.v1 import events_pb2, keys_pb2

from services.chassis import ids, scopes
from services.chassis.platforms import Key, Platform, SuspendedMerchant
from services.team_formation.translate.basics import PLATFORM, time


def platform_changed(platform: Platform) -> events_pb2.PlatformChanged:
    """Write a platform's whole state, as its event carries it."""
    fact = platform_state(platform)
    fact.keys.extend(map(_key_of_event, platform.keys))
    fact.suspended_merchants.extend(map(suspended_merchant, platform.suspended_merchants))
    fact.limits.CopyFrom(platform_limits(platform))
    fact.generation = platform.generation
    if platform.test_of:
        fact.test_of = ids.opaque(PLATFORM, platform.test_of)
        fact.clock_ahead.FromTimedelta(platform.clock_ahead)
        if platform.retired_at:
            fact.retired_at.FromDatetime(platform.retired_at)
    return fact


def platform_state(platform: Platform) -> events_pb2.PlatformChanged:
    """Write what a platform is without its keys and merchants, as the audit tells it."""
    return events_pb2.PlatformChanged(
        name=platform.name, suspended=platform.suspended, suspension_reason=platform.suspension_reason
    )


def platform_limits(platform: Platform) -> events_pb2.PlatformLimits:
    """Write what operators have set of a platform's limits."""
    return events_pb2.PlatformLimits(**platform.limits)


def suspended_merchant(item: SuspendedMerchant) -> events_pb2.SuspendedMerchant:
    """Write a merchant that is suspended."""
    return events_pb2.SuspendedMerchant(merchant_id=item.merchant_id, reason=item.reason, since=time(item.since))


def api_key(key: Key) -> keys_pb2.ApiKey:
    """Write a key as its platform sees it: without a secret, and without the hash of it."""
    return keys_pb2.ApiKey(
        key_id=key.key_id,
        label=key.label,
        scopes=map(scopes.value_of, scopes.ordered(key.scopes)),
        created_at=time(key.created_at),
        expires_at=time(key.expires_at),
    )


def _key_of_event(key: Key) -> events_pb2.PlatformKey:
    return events_pb2.PlatformKey(
        key_id=key.key_id,
        secret_hash=key.secret_hash,
        expires_at=time(key.expires_at),
        scopes=map(scopes.value_of, scopes.ordered(key.scopes)),
        label=key.label,
        created_at=time(key.created_at),
    )
