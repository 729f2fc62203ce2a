"""The inbox: each event once, in order per key; poison is set aside with its key, and everything else goes on."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.team_formation.v1 import events_pb2

from services.chassis import metrics
from services.chassis.database import Database
from services.chassis.inbox import Fill, Inbox, StillParked, TooManyParked
from services.chassis.messages import Event, Record
from services.chassis.work import Work
from tests.support.effects import Effects
from tests.support.outbox import TOPIC, team_event

PLATFORMS = "groupbuy.platform.v1"

OPENED = events_pb2.TeamOpened()


def record(key: str, sequence: int, offset: int | None = None) -> Record:
    """An event of a team, as it comes from Kafka."""
    value = team_event(key, sequence).SerializeToString()
    return Record(TOPIC, key, value, (("ce_type", b"x"),), 0, sequence if offset is None else offset)


def unknown_fact(key: str, sequence: int, offset: int) -> Record:
    """A record whose fact a newer release has added."""
    event = team_event(key, sequence)
    event.ClearField("team_opened")
    return Record(TOPIC, key, event.SerializeToString(), (("ce_type", b"groupbuy.Later"),), 0, offset)


@pytest.fixture
async def effect(store: Database) -> Effects:
    effects = Effects(store)
    await effects.create()
    return effects


@pytest.fixture
def make(store: Database, effect: Effects) -> Callable[..., Inbox]:
    def inbox(fill: Fill | None = None, most: int = 100) -> Inbox:
        fills = {TOPIC: fill} if fill else {}
        return Inbox(store, {TOPIC: effect.handle, PLATFORMS: effect.handle}, fills, most)

    return inbox


async def parked(store: Database) -> list[tuple[str, int, str]]:
    """What is set aside: key, position, reason."""
    async with store.read() as connection:
        rows = await connection.execute("SELECT key, position, reason FROM parked_messages ORDER BY number")
        return await rows.fetchall()


async def keys(store: Database) -> dict[str, tuple[int, bool]]:
    """Where each key stands: sequence, and whether it is parked."""
    async with store.read() as connection:
        rows = await connection.execute("SELECT key, sequence, parked FROM inbox")
        return {key: (sequence, is_parked) async for key, sequence, is_parked in rows}


async def test_a_repeat_changes_nothing(store: Database, make: Callable[..., Inbox], effect: Effects) -> None:
    inbox = make()
    batch = [record("a", 1), record("b", 1), record("a", 2), record("a", 1), record("a", 2)]
    await inbox.apply(batch)
    await inbox.apply(batch)
    await inbox.apply([record("a", 1), record("a", 3)])
    assert await effect.seen() == [("a", 1), ("b", 1), ("a", 2), ("a", 3)]
    assert await keys(store) == {"a": (3, False), "b": (1, False)}


async def test_the_first_sight_of_a_key_is_its_base_and_a_gap_is_counted(
    make: Callable[..., Inbox], effect: Effects
) -> None:
    gaps = metrics.CONSUMED.labels(TOPIC, "gap")._value
    inbox, before = make(), gaps.get()
    await inbox.apply([record("a", 7)])
    assert gaps.get() == before
    await inbox.apply([record("a", 10)])
    assert gaps.get() == before + 1
    assert await effect.seen() == [("a", 7), ("a", 10)]


async def test_a_gap_is_filled_where_a_consumer_needs_all(make: Callable[..., Inbox], effect: Effects) -> None:
    asked: list[int] = []

    async def fill(event: Event, after: int) -> list[Record]:
        asked.append(after)
        return [record(event.record.key, n) for n in range(after + 1, min(after + 3, event.sequence + 2))]

    gaps = metrics.CONSUMED.labels(TOPIC, "gap")._value
    before = gaps.get()
    await make(fill).apply([record("a", 6), record("a", 7)])
    assert await effect.seen() == [("a", n) for n in range(1, 8)]
    assert asked == [0, 2, 4]
    assert gaps.get() == before


async def test_a_gap_that_cannot_be_filled_is_counted(make: Callable[..., Inbox], effect: Effects) -> None:
    async def fill(_event: Event, _after: int) -> list[Record]:
        return []

    gaps = metrics.CONSUMED.labels(TOPIC, "gap")._value
    before = gaps.get()
    await make(fill).apply([record("a", 3)])
    assert await effect.seen() == [("a", 3)]
    assert gaps.get() == before + 1


async def test_poison_among_the_filled_parks_the_record_that_asked(
    store: Database, make: Callable[..., Inbox], effect: Effects
) -> None:
    async def fill(event: Event, after: int) -> list[Record]:
        return [record(event.record.key, n) for n in range(after + 1, event.sequence)]

    effect.poison = {("a", 2)}
    inbox = make(fill)
    await inbox.apply([record("a", 3), record("a", 4), record("b", 1)])
    assert await effect.seen() == [("b", 1)]
    assert await keys(store) == {"a": (0, True), "b": (1, False)}
    effect.poison = set()
    assert await inbox.redrive(TOPIC, "a") == 2
    assert await effect.seen() == [("b", 1), ("a", 1), ("a", 2), ("a", 3), ("a", 4)]


async def test_a_compacted_topic_has_no_gaps(store: Database, make: Callable[..., Inbox], effect: Effects) -> None:
    def state(sequence: int) -> Record:
        event = events_pb2.PlatformEvent(
            event_id=f"00000000-0000-0000-0000-{sequence:012}",
            sequence=sequence,
            platform_changed=events_pb2.PlatformChanged(),
        )
        return Record(PLATFORMS, "p", event.SerializeToString(), (), 0, sequence)

    await make().apply([state(4), state(9), state(8)])
    assert await effect.seen() == [("p", 4), ("p", 9)]
    assert await keys(store) == {"p": (9, False)}


async def test_poison_parks_its_key_with_all_that_follows_and_others_go_on(
    store: Database, make: Callable[..., Inbox], effect: Effects
) -> None:
    effect.poison = {("a", 2), ("c", 1)}
    inbox = make()
    batch = [record("a", 1), record("a", 2), record("b", 1), record("a", 3), record("c", 1), record("b", 2)]
    await inbox.apply(batch)
    await inbox.apply([record("a", 4), record("b", 3)])
    assert await effect.seen() == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]
    assert await keys(store) == {"a": (1, True), "b": (3, False), "c": (0, True)}
    behind = "behind a parked event of its key"
    assert await parked(store) == [
        ("a", 2, "a cannot be"),
        ("a", 3, behind),
        ("c", 1, "c cannot be"),
        ("a", 4, behind),
    ]


async def test_a_parked_record_that_comes_again_is_parked_once(
    store: Database, make: Callable[..., Inbox], effect: Effects
) -> None:
    effect.poison = {("a", 1)}
    inbox = make()
    for _ in range(2):
        await inbox.apply([record("a", 1), record("a", 2)])
    assert len(await parked(store)) == 2


async def test_a_kafka_written_again_may_use_the_position_of_a_parked_record(
    store: Database, make: Callable[..., Inbox], effect: Effects
) -> None:
    effect.poison = {("a", 1), ("b", 1)}
    inbox = make()
    await inbox.apply([record("a", 1, offset=5)])
    await inbox.apply([record("a", 2, offset=5), record("b", 1, offset=5)])
    assert [(key, at) for key, at, _ in await parked(store)] == [("a", 5), ("a", 5), ("b", 5)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xff\xff", "the value is no envelope of this topic"),
        (b"", "a fact this release does not know: x"),
        (
            events_pb2.TeamEvent(event_id="x", sequence=1, team_opened=OPENED).SerializeToString(),
            "event_id is no UUID",
        ),
        (
            events_pb2.TeamEvent(event_id="0" * 32, team_opened=OPENED).SerializeToString(),
            "sequence is below 1",
        ),
        (
            events_pb2.TeamEvent(
                sequence=1, team_opened=OPENED, occurred_at=Timestamp(seconds=2**62)
            ).SerializeToString(),
            "the value is no envelope of this topic",
        ),
    ],
)
async def test_what_is_no_event_is_parked(
    store: Database, make: Callable[..., Inbox], effect: Effects, value: bytes, reason: str
) -> None:
    bad = Record(TOPIC, "a", value, (("ce_type", b"x"), ("odd", b"\x00\xff")), 0, 1)
    await make().apply([bad, record("b", 1)])
    assert await parked(store) == [("a", 1, reason)]
    assert await effect.seen() == [("b", 1)]


async def test_a_redrive_applies_in_order_and_lets_the_key_go_on(
    store: Database, make: Callable[..., Inbox], effect: Effects
) -> None:
    effect.poison = {("a", 2)}
    inbox = make()
    await inbox.apply([record("a", n) for n in (1, 2, 3)])
    await inbox.apply([record("a", 4)])
    effect.poison = set()
    assert await inbox.redrive(TOPIC, "a") == 3
    assert await inbox.redrive(TOPIC, "a") == 0
    await inbox.apply([record("a", 5)])
    assert await effect.seen() == [("a", n) for n in (1, 2, 3, 4, 5)]
    assert await keys(store) == {"a": (5, False)}
    assert await parked(store) == []


@pytest.mark.parametrize("bad", [record("a", 2), unknown_fact("a", 2, 2)], ids=["poison", "undecodable"])
async def test_a_redrive_that_is_still_poison_changes_nothing(
    store: Database, make: Callable[..., Inbox], effect: Effects, bad: Record
) -> None:
    effect.poison = {("a", 2)}
    inbox = make()
    await inbox.apply([record("a", 1), bad, record("a", 3)])
    before = (await parked(store), await keys(store), await effect.seen())
    with pytest.raises(StillParked, match=r"cannot be|does not know"):
        await inbox.redrive(TOPIC, "a")
    assert (await parked(store), await keys(store), await effect.seen()) == before


async def test_too_many_parked_keys_stop_loudly_with_nothing_applied(
    store: Database, make: Callable[..., Inbox], effect: Effects
) -> None:
    effect.poison = {("a", 1), ("b", 1), ("c", 1)}
    inbox = make(most=2)
    await inbox.apply([record("a", 1), record("b", 1)])
    with pytest.raises(TooManyParked, match="3 keys are parked"):
        await inbox.apply([record("c", 1), record("d", 1)])
    assert await effect.seen() == []
    assert "d" not in await keys(store)


async def test_trouble_that_may_pass_leaves_nothing_behind(
    store: Database, make: Callable[..., Inbox], effect: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, handle = make(), effect.handle

    async def fail(work: Work, events: list[Event]) -> None:
        await handle(work, events)
        raise ConnectionError

    monkeypatch.setitem(inbox._handlers, TOPIC, fail)
    with suppress(ConnectionError):
        await inbox.apply([record("a", 1)])
    assert await effect.seen() == []
    assert await keys(store) == {}


async def test_two_consumers_with_the_same_batch_apply_it_once(make: Callable[..., Inbox], effect: Effects) -> None:
    inbox = make()
    batch = [record(key, sequence) for sequence in range(1, 6) for key in "dbca"]
    await asyncio.gather(*(inbox.apply(batch) for _ in range(4)), *(inbox.apply(batch[::-1][:4]) for _ in range(2)))
    seen = await effect.seen()
    assert sorted(seen) == sorted(set(seen))
    for key in "abcd":
        assert ([n for name, n in seen if name == key] or [0])[-1] == 5
