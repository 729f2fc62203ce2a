"""Platforms and keys: who a call comes from, and the copy that each service keeps."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.team_formation.v1 import events_pb2

from services.chassis import ids, key_uses, platforms, scopes
from services.chassis.buckets import Bucket
from services.chassis.clock import ManualClock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.inbox import Inbox
from services.chassis.key_uses import KeyUses
from services.chassis.limit_rows import LimitReader
from services.chassis.messages import Record
from services.chassis.platforms import (
    Key,
    KeyRing,
    Platform,
    SuspendedMerchant,
    find_platform,
    hash_secret,
    lock_platform,
    save_platforms,
)
from services.chassis.twin_clocks import TwinClocks
from services.chassis.twins import twin_of
from services.team_formation.translate import time
from services.team_formation.translate.identity import platform_changed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PLATFORM = UUID(int=5)
NEVER = 1e12
"""A time before which a bucket does not fill."""


def key(key_id: str = "k1", expires_at: datetime | None = None) -> Key:
    return Key(key_id, hash_secret(f"secret-of-{key_id}"), expires_at)


async def save(store: Database, sequence: int, *keys: Key, suspended: bool = False) -> None:
    async with store.work() as work:
        state = Platform(PLATFORM, f"Shop {sequence}", suspended, sequence, keys)
        await save_platforms(work.connection, [state], NOW)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def ring(store: Database, clock: ManualClock) -> KeyRing:
    return KeyRing(store, clock)


async def reason(ring: KeyRing, bearer: str) -> str:
    with pytest.raises(Rejected) as refused:
        await ring.grant(bearer)
    return refused.value.reason


async def test_a_key_names_its_platform(store: Database, ring: KeyRing) -> None:
    await save(store, 1, key("k1"), key("k2"))
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    assert (await ring.grant("gbk_k2_secret-of-k2")).platform_id == PLATFORM


@pytest.mark.parametrize(
    ("bearer", "why"),
    [
        ("", "KEY_MISSING"),
        ("gbk", "KEY_UNKNOWN"),
        ("gbk_k1_", "KEY_UNKNOWN"),
        ("abc_k1_secret-of-k1", "KEY_UNKNOWN"),
        ("gbk_k1_secret-of-k2", "KEY_UNKNOWN"),
        ("gbk_nobody_secret-of-nobody", "KEY_UNKNOWN"),
        ("gbk_k1_s\N{LATIN SMALL LETTER E WITH ACUTE}cret", "KEY_UNKNOWN"),
    ],
)
async def test_anything_else_is_refused(store: Database, ring: KeyRing, bearer: str, why: str) -> None:
    await save(store, 1, key("k1"))
    assert await reason(ring, bearer) == why


async def test_a_key_expires(store: Database, ring: KeyRing, clock: ManualClock) -> None:
    await save(store, 1, key("k1", NOW + timedelta(hours=1)))
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    clock.move(timedelta(hours=1))
    with pytest.raises(Rejected) as refused:
        await ring.grant("gbk_k1_secret-of-k1")
    assert refused.value.reason == "KEY_EXPIRED"
    assert refused.value.metadata == {"key_id": "k1", "expired_at": "2026-06-01T01:00:00Z"}
    assert await reason(ring, "gbk_k1_wrong") == "KEY_UNKNOWN"


async def test_a_suspended_platform_is_refused_by_its_right_key_only(store: Database, ring: KeyRing) -> None:
    await save(store, 1, key("k1"), suspended=True)
    assert await reason(ring, "gbk_k1_secret-of-k1") == "PLATFORM_SUSPENDED"
    assert await reason(ring, "gbk_k1_wrong") == "KEY_UNKNOWN"


async def test_a_key_taken_away_is_believed_for_a_few_seconds_only(
    store: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(store, 1, key("k1"))
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    await save(store, 2, key("k2"))
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    assert await reason(ring, "gbk_k1_secret-of-k1") == "KEY_UNKNOWN"
    assert (await ring.grant("gbk_k2_secret-of-k2")).platform_id == PLATFORM


async def test_only_a_key_just_found_good_is_believed_without_being_looked_at(
    store: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(store, 1, key("k1"), key("k2", NOW + timedelta(hours=1)))
    assert ring.believed("gbk_k1_secret-of-k1") is None
    await ring.grant("gbk_k1_secret-of-k1")
    await ring.grant("gbk_k2_secret-of-k2")
    assert await reason(ring, "gbk_k1_wrong") == "KEY_UNKNOWN"
    believed = ring.believed("gbk_k1_secret-of-k1")
    assert believed
    assert (believed.platform_id, believed.key_id, believed.allows) == (PLATFORM, "k1", scopes.ALL)
    assert ring.believed("gbk_k1_wrong") is None
    assert ring.believed("gbk_k2_secret-of-k2") is None, "it may expire at any moment"
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    assert ring.believed("gbk_k1_secret-of-k1") is None


async def test_who_guesses_keys_takes_little_of_the_database_and_nothing_of_those_who_have_one(
    store: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(store, 1, key("k1"), key("k2"))
    monkeypatch.setattr(ring, "_guesses", Bucket(3, NEVER))
    await ring.grant("gbk_k1_secret-of-k1")
    found = [await reason(ring, f"gbk_guess{number}_x") for number in range(10)]
    assert found == ["KEY_UNKNOWN"] * 6 + ["RATE_LIMITED"] * 4
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    assert await reason(ring, "gbk_k1_wrong") == "KEY_UNKNOWN"
    assert await reason(ring, "gbk_k2_secret-of-k2") == "RATE_LIMITED"
    monkeypatch.setattr(ring, "_guesses", one_left := Bucket(3, NEVER))
    one_left.take(5)
    for _ in range(3):
        assert (await ring.grant("gbk_k2_secret-of-k2")).key_id == "k2", "what is found is no guess"
    assert await reason(ring, "gbk_guess_x") == "KEY_UNKNOWN"


async def test_an_older_state_never_replaces_a_newer_one(store: Database) -> None:
    await save(store, 2, key("k2"))
    await save(store, 1, key("k1"), suspended=True)
    await save(store, 2, key("k3"))
    async with store.work() as work:
        found = await lock_platform(work.connection, PLATFORM)
    assert found == Platform(PLATFORM, "Shop 2", suspended=False, sequence=2, keys=(key("k2"),))


def changed(platform_id: str, sequence: int) -> Record:
    event = events_pb2.PlatformEvent(
        event_id=str(ids.derived_id(PLATFORM, sequence)),
        platform_id=platform_id,
        sequence=sequence,
        platform_changed=events_pb2.PlatformChanged(
            name="Shop", keys=[events_pb2.PlatformKey(key_id="k1", secret_hash=hash_secret("secret-of-k1"))]
        ),
    )
    return Record(platforms.TOPIC, platform_id, event.SerializeToString(), (), 0, sequence)


async def test_the_copy_follows_the_events(store: Database, ring: KeyRing) -> None:
    inbox = Inbox(store, {platforms.TOPIC: platforms.on_platform_events})
    await inbox.apply([changed(ids.opaque("plat", PLATFORM), 3), changed("nobody", 1)])
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    async with store.read() as connection:
        rows = await (await connection.execute("SELECT key, reason FROM parked_messages")).fetchall()
    assert rows == [("nobody", "platform_id is no platform's id")]


async def test_the_copy_has_all_of_the_state(store: Database) -> None:
    inbox = Inbox(store, {platforms.TOPIC: platforms.on_platform_events})
    until, since = NOW + timedelta(days=1), NOW - timedelta(days=1)
    wanted = Platform(
        PLATFORM,
        "Shop",
        suspended=True,
        sequence=4,
        keys=(
            Key("k1", b"h1", None, frozenset({"read"}), "till", NOW),
            Key("k2", b"h2", until, frozenset({"campaigns", "members"}), "", NOW),
        ),
        suspension_reason="The bill was not paid.",
        suspended_merchants=(SuspendedMerchant("grocer", "It did not deliver.", since),),
    )
    event = events_pb2.PlatformEvent(
        event_id=str(ids.derived_id(PLATFORM, 4)),
        platform_id=ids.opaque("plat", PLATFORM),
        sequence=4,
        platform_changed=platform_changed(wanted),
    )
    await inbox.apply([Record(platforms.TOPIC, event.platform_id, event.SerializeToString(), (), 0, 4)])
    async with store.work() as work:
        assert await lock_platform(work.connection, PLATFORM) == wanted


async def test_a_key_of_an_earlier_release_may_do_everything(store: Database, ring: KeyRing) -> None:
    await save(store, 1, key("k1"))
    async with store.work() as work:
        await work.connection.execute("UPDATE platform_keys SET scopes = NULL, created_at = NULL")
    assert (await ring.grant("gbk_k1_secret-of-k1")).allows == scopes.ALL
    inbox = Inbox(store, {platforms.TOPIC: platforms.on_platform_events})
    await inbox.apply([changed(ids.opaque("plat", PLATFORM), 2)])
    async with store.work() as work:
        found = await lock_platform(work.connection, PLATFORM)
    assert found
    assert found.keys[0].scopes == scopes.ALL


async def test_uses_that_could_not_be_written_are_written_later(
    store: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(store, 1, key("k1"))
    await ring.grant("gbk_k1_secret-of-k1")
    uses = KeyUses(store, ring)

    async def fails(*_: object) -> None:
        raise ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(key_uses, "save_uses", fails)
        with pytest.raises(ConnectionError):
            await uses.run_once()
    assert await uses.run_once() == 1
    async with store.read() as connection:
        assert set(await key_uses.list_uses(connection, PLATFORM)) == {"k1"}


async def test_a_call_that_is_refused_is_no_use(store: Database, ring: KeyRing) -> None:
    await save(store, 1, key("k1"), suspended=True)
    assert await reason(ring, "gbk_k1_secret-of-k1") == "PLATFORM_SUSPENDED"
    assert await reason(ring, "gbk_k1_wrong") == "KEY_UNKNOWN"
    assert ring.take_uses() == set()


async def test_the_copy_has_the_limits_that_were_set_and_no_others(store: Database) -> None:
    def fact(sequence: int, **limits: int) -> Record:
        event = events_pb2.PlatformEvent(
            event_id=str(ids.derived_id(PLATFORM, sequence)),
            platform_id=ids.opaque("plat", PLATFORM),
            sequence=sequence,
            platform_changed=events_pb2.PlatformChanged(name="Shop", limits=events_pb2.PlatformLimits(**limits)),
        )
        return Record(platforms.TOPIC, event.platform_id, event.SerializeToString(), (), 0, sequence)

    inbox, reader = Inbox(store, {platforms.TOPIC: platforms.on_platform_events}), LimitReader(store)
    await inbox.apply([fact(1)])
    assert await reader.find([PLATFORM]) == {}
    await inbox.apply([fact(2, streams=3, joins_per_second=9), fact(3, streams=4, campaigns=2)])
    assert await reader.find([PLATFORM, UUID(int=6)]) == {PLATFORM: {"streams": 4, "campaigns": 2}}
    async with store.work() as work:
        found = await lock_platform(work.connection, PLATFORM)
    assert found is not None
    assert found.limits == {"streams": 4, "campaigns": 2}


TWIN = twin_of(PLATFORM, 1)


async def save_twin(store: Database, sequence: int = 1, ahead: timedelta = timedelta(), name: str = "t1") -> None:
    twin = Platform(TWIN, "Shop", suspended=False, sequence=sequence, keys=(key(name),), test_of=PLATFORM, generation=1)
    async with store.work() as work:
        await save_platforms(work.connection, [replace(twin, clock_ahead=ahead)], NOW)


async def test_a_twins_key_is_told_from_a_platforms_at_a_look_and_neither_passes_for_the_other(
    store: Database, ring: KeyRing
) -> None:
    await save(store, 1, key("k1"))
    await save_twin(store)
    assert (await ring.grant("gbt_t1_secret-of-t1")).platform_id == TWIN
    assert (await ring.grant("gbk_k1_secret-of-k1")).platform_id == PLATFORM
    assert await reason(ring, "gbk_t1_secret-of-t1") == "KEY_UNKNOWN"
    assert await reason(ring, "gbt_k1_secret-of-k1") == "KEY_UNKNOWN"


async def test_a_twins_call_is_decided_by_its_clock_as_it_is_in_the_database(
    store: Database, ring: KeyRing, clock: ManualClock
) -> None:
    await save_twin(store)
    await ring.grant("gbt_t1_secret-of-t1")
    assert clock.now(TWIN) == NOW
    await save_twin(store, 2, timedelta(days=3, microseconds=1))
    await ring.grant("gbt_t1_secret-of-t1")
    assert clock.now(TWIN) == NOW + timedelta(days=3, microseconds=1)
    assert clock.now(PLATFORM) == NOW
    await save_twin(store, 3, timedelta(days=3, microseconds=1), "t2")
    assert await reason(ring, "gbt_t1_secret-of-t1") == "KEY_UNKNOWN"


async def test_a_process_learns_of_a_clock_that_another_one_moved(store: Database) -> None:
    clock = ManualClock(NOW)
    clocks = TwinClocks(store, clock)
    await save_twin(store, 1, timedelta(days=1))
    await clocks.start()
    assert clock.now(TWIN) == NOW + timedelta(days=1)
    running = asyncio.create_task(clocks.run())
    try:
        before = clock.moves
        event = an_event(2, clock_ahead=Duration(seconds=864_000))
        await Inbox(store, {platforms.TOPIC: platforms.on_platform_events}).apply([event])
        await clock.moved(before, 10)
        assert clock.now(TWIN) == NOW + timedelta(days=10)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert await found(store) == replace(
        Platform(TWIN, "Shop", suspended=False, sequence=2, keys=(key("t1"),), test_of=PLATFORM, generation=1),
        clock_ahead=timedelta(days=10),
    )
    await Inbox(store, {platforms.TOPIC: platforms.on_platform_events}).apply([an_event(3, retired_at=time(NOW))])
    await clocks.learn()
    assert (clock.now(TWIN), clock.ahead()) == (NOW, {})


async def found(store: Database) -> Platform | None:
    async with store.read() as connection:
        return await find_platform(connection, TWIN)


def an_event(sequence: int, **more: Any) -> Record:
    fact = events_pb2.PlatformChanged(
        name="Shop", test_of=ids.opaque(platforms.ID_PREFIX, PLATFORM), generation=1, **more
    )
    fact.keys.add(key_id="t1", secret_hash=hash_secret("secret-of-t1"))
    platform_id = ids.opaque(platforms.ID_PREFIX, TWIN)
    envelope = events_pb2.PlatformEvent(
        event_id=str(ids.derived_id(TWIN, sequence)),
        platform_id=platform_id,
        sequence=sequence,
        occurred_at=time(NOW),
        platform_changed=fact,
    )
    return Record(platforms.TOPIC, platform_id, envelope.SerializeToString())
