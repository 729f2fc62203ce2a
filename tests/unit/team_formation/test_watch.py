"""Readers of things that change: what each is given, when it is loaded, and how they take turns."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

import pytest

from services.chassis.errors import Rejected
from services.team_formation.watch import Hub
from services.team_formation.watch.topic import State
from services.team_formation.watch.turns import SLICE, Turn, Turns
from tests.support.until import until

PLATFORM, OTHER_PLATFORM = UUID(int=0xA), UUID(int=0xB)
MANGO = (PLATFORM, "mango")
LONG = 3600.0

Readers: TypeAlias = Hub[str, bytes]


@dataclass
class Shelf:
    """Where things are loaded from, as they stand."""

    things: dict[tuple[UUID, str], State[bytes]] = field(default_factory=dict)
    loads: list[list[tuple[UUID, str]]] = field(default_factory=list)
    trouble: Exception | None = None

    def put(self, version: int, *, final: bool = False, rest: float = 0.0, again: float | None = None) -> State[bytes]:
        """Change the mango."""
        self.things[MANGO] = State(version, f"mango {version}".encode(), final, rest, again)
        return self.things[MANGO]

    async def loaded(self, times: int) -> None:
        """Wait until there were as many loads."""
        await until(lambda: len(self.loads) >= times)

    async def load(self, names: Sequence[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], State[bytes]]:
        """Load what is there."""
        self.loads.append(list(names))
        if self.trouble:
            raise self.trouble
        return {name: self.things[name] for name in names if name in self.things}


@pytest.fixture
def shelf() -> Shelf:
    """A shelf with a mango."""
    shelf = Shelf()
    shelf.put(1)
    return shelf


@pytest.fixture
def hub(shelf: Shelf) -> Readers:
    """The readers' hub."""
    return Hub(shelf.load, Turns(), lambda: Rejected("TEAM_UNKNOWN"))


def reading(stream: AsyncIterator[bytes]) -> "asyncio.Task[bytes]":
    """Read the next state."""

    async def read() -> bytes:
        return await anext(stream)

    return asyncio.create_task(read())


async def test_a_reader_gets_the_state_at_once_and_then_the_latest_one(shelf: Shelf, hub: Readers) -> None:
    stream = hub.follow(*MANGO, 0)
    assert await anext(stream) == b"mango 1"
    for version in (2, 3, 4):  # nobody reads meanwhile
        shelf.put(version)
        hub.changed(["mango"])
        await shelf.loaded(version)
    assert await anext(stream) == b"mango 4"
    shelf.put(5, final=True)
    hub.changed(["mango"])
    assert [state async for state in stream] == [b"mango 5"]
    assert hub.readers == 0
    assert not hub.watched


async def test_all_readers_are_given_the_same_bytes_loaded_once(shelf: Shelf, hub: Readers) -> None:
    streams = [hub.follow(*MANGO, 0) for _ in range(2 * SLICE)]
    first = await asyncio.gather(*map(reading, streams))
    assert len(shelf.loads) == 1
    written = shelf.put(2)
    waiting = [reading(stream) for stream in streams]
    await until(lambda: hub.readers == len(streams))
    hub.changed(["mango"])
    assert all(state is written.body for state in await asyncio.gather(*waiting))
    assert len({id(state) for state in first}) == 1
    assert len(shelf.loads) == 2


async def test_what_changes_all_the_time_is_loaded_once_while_it_rests(shelf: Shelf, hub: Readers) -> None:
    shelf.put(1, rest=LONG)
    shelf.things[PLATFORM, "plum"] = State(1, b"plum 1", final=False, rest=0.0)
    mango, plum = hub.follow(*MANGO, 0), hub.follow(PLATFORM, "plum", 0)
    await anext(mango)
    await anext(plum)
    for _ in range(3):
        hub.changed(["mango", "plum"])
        await shelf.loaded(len(shelf.loads) + 1)
    assert [name for names in shelf.loads for name in names].count(MANGO) == 1


async def test_the_last_change_is_loaded_though_the_one_before_was_just_now(shelf: Shelf, hub: Readers) -> None:
    shelf.put(1, rest=0.05)
    stream = hub.follow(*MANGO, 0)
    await anext(stream)
    for version in range(2, 30):
        shelf.put(version, rest=0.05)
        hub.changed(["mango"])
    assert await anext(stream) == b"mango 29"


async def test_a_change_told_while_a_load_is_under_way_is_loaded_after_it(shelf: Shelf) -> None:
    at_it, go_on = asyncio.Event(), asyncio.Event()

    async def slow(names: Sequence[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], State[bytes]]:
        found = await shelf.load(names)
        if len(shelf.loads) == 2:
            at_it.set()
            await go_on.wait()
        return found

    hub = Hub(slow, Turns(), lambda: Rejected("TEAM_UNKNOWN"))
    stream = hub.follow(*MANGO, 0)
    await anext(stream)
    shelf.put(2)
    hub.changed(["mango"])
    await at_it.wait()
    shelf.put(3, final=True)
    hub.changed(["mango"])
    go_on.set()
    assert [state async for state in stream][-1] == b"mango 3"
    assert len(shelf.loads) == 3


async def test_what_nobody_tells_of_is_loaded_again_where_it_asks_for_that(shelf: Shelf, hub: Readers) -> None:
    shelf.put(1, again=0.01)
    stream = hub.follow(*MANGO, 0)
    await anext(stream)
    shelf.put(2, final=True)
    assert [state async for state in stream] == [b"mango 2"]


async def test_a_reader_goes_on_where_it_was(shelf: Shelf, hub: Readers) -> None:
    shelf.put(7)
    stream = hub.follow(*MANGO, 7)
    waiting = reading(stream)
    await until(lambda: len(shelf.loads) == 1)
    shelf.put(8)
    hub.changed(["mango"])
    assert await waiting == b"mango 8"


async def test_a_reader_who_has_seen_more_on_another_replica_is_not_set_back(shelf: Shelf, hub: Readers) -> None:
    early = hub.follow(*MANGO, 0)
    await anext(early)
    shelf.put(5)  # nothing was heard of it yet
    late = hub.follow(*MANGO, 5)
    waiting = reading(late)
    assert await anext(early) == b"mango 5"
    assert not waiting.done()
    shelf.put(6)
    hub.changed(["mango"])
    assert await waiting == b"mango 6"


async def test_a_version_that_never_was_does_not_make_a_reader_wait_for_ever(shelf: Shelf, hub: Readers) -> None:
    waiting = reading(hub.follow(*MANGO, 2**63 - 1))
    await until(lambda: len(shelf.loads) == 1)
    shelf.put(2)
    hub.changed(["mango"])
    assert await waiting == b"mango 2"


async def test_what_does_not_exist_or_is_another_platforms_is_unknown(hub: Readers) -> None:
    async def refusal(platform_id: UUID, key: str) -> str:
        with pytest.raises(Rejected) as raised:
            await anext(hub.follow(platform_id, key, 0))
        return raised.value.reason

    ours = hub.follow(*MANGO, 0)
    await anext(ours)
    assert await refusal(PLATFORM, "melon") == "TEAM_UNKNOWN"
    assert await refusal(OTHER_PLATFORM, "mango") == "TEAM_UNKNOWN"
    assert list(hub.watched) == ["mango"]


async def test_a_failed_load_is_told_to_who_waits_for_it_and_tried_again_for_the_others(
    shelf: Shelf, hub: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.team_formation.watch.hub.RETRY_SECONDS", 0.01)
    early = hub.follow(*MANGO, 0)
    await anext(early)
    shelf.trouble = ConnectionError("away")
    with pytest.raises(ConnectionError, match="away"):
        await anext(hub.follow(PLATFORM, "plum", 0))
    hub.changed(["mango"])
    await until(lambda: sum(MANGO in names for names in shelf.loads) >= 3)
    shelf.trouble = None
    shelf.put(2)
    assert await anext(early) == b"mango 2"


async def test_stopping_sends_every_reader_elsewhere(hub: Readers) -> None:
    streams = [hub.follow(*MANGO, 0) for _ in range(3)]
    for stream in streams:
        await anext(stream)
    waiting = [reading(stream) for stream in streams[1:]]
    hub.stop()
    for ended in [*waiting, reading(streams[0])]:  # the first is still being sent to
        with pytest.raises(Rejected) as raised:
            await ended
        assert raised.value.reason == "UNAVAILABLE"
    assert hub.readers == 0


async def test_a_reader_that_leaves_while_it_waits_is_forgotten(shelf: Shelf, hub: Readers) -> None:
    stays, goes = hub.follow(*MANGO, 0), hub.follow(*MANGO, 0)
    await anext(stays)
    await anext(goes)
    waiting = reading(goes)
    await asyncio.sleep(0)  # it begins to wait
    waiting.cancel()
    await asyncio.wait([waiting])
    assert hub.readers == 1
    shelf.put(2)
    hub.changed(["mango"])
    assert await anext(stays) == b"mango 2"
    await stays.aclose()
    assert not hub.watched


async def test_no_more_readers_are_sent_to_at_once_than_a_slice() -> None:
    turns, loop = Turns(), asyncio.get_running_loop()
    waiting: list[Turn] = [loop.create_future() for _ in range(5 * SLICE)]
    under_way = most = 0

    async def reader(turn: Turn) -> None:
        nonlocal under_way, most
        await turn
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        turns.over()

    readers = [asyncio.create_task(reader(turn)) for turn in waiting]
    readers[3].cancel()
    await asyncio.sleep(0)
    turns.give(waiting)
    await asyncio.wait(readers)
    assert most == SLICE
    assert all(turn.done() for turn in waiting)


async def test_readers_that_are_never_done_hold_up_no_others() -> None:
    turns, loop = Turns(), asyncio.get_running_loop()
    waiting: list[Turn] = [loop.create_future() for _ in range(2 * SLICE)]
    turns.give(waiting)
    await asyncio.wait(waiting)
    later: Turn = loop.create_future()
    turns.give([later])
    await later
