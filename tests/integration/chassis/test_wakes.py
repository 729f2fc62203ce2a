"""Wake-up calls: heard in every process after the commit, at once in the own one, few however many are made."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.chassis.database import Database
from services.chassis.outbox import WAKE_CHANNEL
from services.chassis.wakes import Bell, Wakes
from tests.support.outbox import told
from tests.support.until import until

LONG = 30.0
"""Seconds; no test waits that long unless it fails."""


@pytest.fixture
async def other(url: str) -> AsyncIterator[Database]:
    """The same database, opened by another process."""
    opened = Database(url)
    await opened.start()
    yield opened
    await opened.stop()


async def heard(bell: Bell) -> bool:
    """Whether a bell has been rung; it is quiet afterwards."""
    was = bell._rung.is_set()
    bell._rung.clear()
    return was


async def listens(store: Database) -> bool:
    """Whether some process listens; what was called before is not of interest any more."""
    async with store.read() as connection:
        rows = await connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND state = 'idle'"
            " AND datname = current_database()"
        )
        return bool(await rows.fetchall())


async def test_a_call_is_heard_in_another_process(store: Database, other: Database) -> None:
    with other.wakes.listening("one") as bell, other.wakes.listening("two") as quiet:
        await until(lambda: heard(quiet))
        await until(lambda: heard(bell))
        store.wakes.ring("one")
        await bell.rung(LONG)
        assert not await heard(quiet)


async def test_a_channel_that_is_asked_for_later_is_heard_too(store: Database, other: Database) -> None:
    with other.wakes.listening("one") as first:
        await until(lambda: heard(first))
        with other.wakes.listening("two") as second:
            await until(lambda: heard(second))
            store.wakes.ring("two")
            await until(lambda: heard(second))


async def test_the_own_process_hears_without_the_database() -> None:
    wakes = Wakes(Database("postgresql://127.0.0.1:1/nowhere").direct)
    with wakes.listening("one") as first, wakes.listening("one") as second:
        wakes.ring("one")
        assert [await heard(first), await heard(second)] == [True, True]
    wakes.ring("one")
    assert not await heard(first), "it listens no longer"
    await wakes.stop()


async def test_a_bell_rung_before_anybody_waits_is_not_missed() -> None:
    bell = Bell()
    bell.ring()
    await bell.rung(LONG)
    await bell.rung(0)
    waiting = asyncio.create_task(bell.rung(LONG))
    await asyncio.sleep(0)
    bell.ring()
    await waiting


async def test_many_calls_are_one(store: Database) -> None:
    async with store.direct() as connection:
        await connection.execute("LISTEN one")
        await connection.execute("LISTEN last")
        for _ in range(1000):
            store.wakes.ring("one")
        store.wakes.ring("last")
        channels = [call.channel async for call in connection.notifies(timeout=LONG, stop_after=2)]
    assert sorted(channels) == ["last", "one"]


async def test_a_lost_connection_is_made_again_and_what_was_missed_is_made_up_for(
    store: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.wakes.RETRY_SECONDS", 0.01)
    with other.wakes.listening("one") as bell:
        await until(lambda: listens(store))
        await heard(bell)
        async with store.read() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'groupbuy-direct' AND datname = current_database()"
            )
        await until(lambda: heard(bell))
        store.wakes.ring("one")
        await until(lambda: heard(bell))


async def test_what_a_work_tells_is_called_out_after_its_commit_only(store: Database) -> None:
    with store.wakes.listening(WAKE_CHANNEL) as told_of, store.wakes.listening("mine") as mine:
        await until(lambda: heard(told_of))
        await until(lambda: heard(mine))
        with contextlib.suppress(ZeroDivisionError):
            async with store.work() as work:
                work.tell(told("team_a", 1))
                work.call("mine")
                raise ZeroDivisionError
        assert not await heard(told_of)
        async with store.work() as work:
            work.tell(told("team_a", 1))
            assert not await heard(told_of)
        assert [await heard(told_of), await heard(mine)] == [True, False]
        async with store.work() as work:
            work.call("mine")
        assert [await heard(told_of), await heard(mine)] == [False, True]


async def test_whoever_follows_a_channel_is_called_at_once_and_then_after_each_call(store: Database) -> None:
    calls = store.wakes.calls("one", LONG)
    await anext(calls)
    next_call = asyncio.ensure_future(anext(calls))
    store.wakes.ring("one")
    await next_call
    await calls.aclose()
