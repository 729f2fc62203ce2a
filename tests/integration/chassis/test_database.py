"""Connections: a transaction that tells, a read that is given up, a server that goes away and comes back."""

import asyncio
import contextlib

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from services.chassis import outbox
from services.chassis.database import Database
from services.chassis.status import transient
from tests.support.outbox import told
from tests.support.proxy import running_proxy
from tests.support.until import until


async def outbox_rows(store: Database) -> list[tuple[str, int]]:
    async with store.read() as connection:
        rows = await connection.execute("SELECT aggregateid, sequence FROM outbox ORDER BY position")
        return await rows.fetchall()


async def test_what_is_told_is_committed_with_the_work_or_not_at_all(store: Database) -> None:
    async with store.work() as work:
        work.tell(told("team_a", 1))
        work.tell(told("team_a", 2))
    with contextlib.suppress(ZeroDivisionError):
        async with store.work() as work:
            work.tell(told("team_a", 3))
            raise ZeroDivisionError
    assert await outbox_rows(store) == [("team_a", 1), ("team_a", 2)]


async def test_what_kafka_could_not_take_fails_the_work_that_tells_it(store: Database) -> None:
    too_large = told("team_a", 2)._replace(payload=bytes(outbox.MOST_BYTES + 1))

    async def fail() -> None:
        async with store.work() as work:
            work.tell(told("team_a", 1))
            work.tell(too_large)

    with pytest.raises(ValueError, match="team_a has 1000001 bytes"):
        await fail()
    assert await outbox_rows(store) == []
    async with store.work() as work:
        work.tell(too_large._replace(payload=bytes(outbox.MOST_BYTES)))
    assert await outbox_rows(store) == [("team_a", 2)]


async def test_statements_of_a_work_wait_for_nothing_until_rows_are_fetched(store: Database) -> None:
    async with store.direct() as blocker, store.work() as work:
        await blocker.execute("SELECT pg_advisory_lock(1)")
        first = await work.connection.execute("SELECT pg_advisory_xact_lock(1)")
        second = await work.connection.execute("SELECT 2")
        await blocker.execute("SELECT pg_advisory_unlock(1)")
        assert await second.fetchall() == [(2,)]
        assert await first.fetchall() == [("",)]


async def test_a_failure_that_nobody_fetched_is_raised_and_nothing_is_committed(store: Database) -> None:
    async def fail() -> None:
        async with store.work() as work:
            work.tell(told("team_a", 1))
            await work.connection.execute("SELECT 1 / 0")
            await work.connection.execute("SELECT 1")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await fail()
    assert await outbox_rows(store) == []
    assert await store.ready()


async def _fails_and_goes_on(store: Database, *, sync: bool) -> None:
    async with store.work() as work:
        await outbox.append(work.connection, [told("team_a", 1)])
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            await (await work.connection.execute("SELECT 1 / 0")).fetchone()
        if sync:
            async with work.connection.pipeline() as pipeline:
                await pipeline.sync()


@pytest.mark.parametrize("sync", [False, True], ids=["in the pipeline", "after a sync"])
async def test_a_failure_that_is_ignored_is_not_taken_for_a_commit(store: Database, sync: bool) -> None:  # noqa: FBT001
    with pytest.raises((psycopg.errors.PipelineAborted, RuntimeError)):
        await _fails_and_goes_on(store, sync=sync)
    assert await outbox_rows(store) == []


async def test_a_part_of_a_work_may_be_undone(store: Database) -> None:
    async with store.work() as work:
        await outbox.append(work.connection, [told("team_a", 1)])
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            async with work.connection.transaction():
                await outbox.append(work.connection, [told("team_a", 2)])
                await work.connection.execute("SELECT 1 / 0")
        await outbox.append(work.connection, [told("team_a", 3)])
    assert await outbox_rows(store) == [("team_a", 1), ("team_a", 3)]


async def test_a_work_can_be_given_up_by_its_own(store: Database) -> None:
    async def give_up() -> None:
        async with store.work() as work:
            await outbox.append(work.connection, [told("team_a", 1)])
            raise psycopg.Rollback

    await give_up()
    assert await outbox_rows(store) == []


async def test_a_work_that_is_cancelled_leaves_nothing_and_the_connection_usable(url: str) -> None:
    store = Database(url, pool_size=2)
    await store.start()

    async def slow() -> None:
        async with store.work() as work:
            await outbox.append(work.connection, [told("team_a", 1)])
            await (await work.connection.execute("SELECT pg_sleep(60)")).fetchone()

    for _ in range(5):
        working = asyncio.create_task(slow())
        await until(lambda: _sleeping(store))
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert await outbox_rows(store) == []
    async with store.work() as work:
        work.tell(told("team_a", 1))
    assert await outbox_rows(store) == [("team_a", 1)]
    await store.stop()


async def test_a_read_that_is_given_up_leaves_the_connection_usable(url: str) -> None:
    store = Database(url, pool_size=2)
    await store.start()

    async def slow() -> None:
        async with store.read() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    for _ in range(5):
        reading = asyncio.create_task(slow())
        await until(lambda: _sleeping(store))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert await store.ready()
    await store.stop()


async def _sleeping(store: Database) -> bool:
    async with store.direct() as connection:
        row = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60)%%' AND state = 'active'"
            " AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        return bool((await row.fetchone() or (0,))[0])


async def test_a_server_that_went_away_is_used_again_when_it_is_back(url: str) -> None:
    where = conninfo_to_dict(url)
    with running_proxy((str(where["host"]), int(where["port"] or 5432))) as proxy:
        store = Database(url.replace(f"{where['host']}:{where['port']}", proxy.address))
        store._pool.timeout = 0.2
        await store.start()
        assert await store.ready()
        proxy.refuse()
        for _ in range(3):
            with pytest.raises(psycopg.OperationalError) as away:
                await store.ready()
            assert transient(away.value)
        proxy.accept()
        await until(lambda: _ready(store))
        await store.stop()


async def _ready(store: Database) -> bool:
    try:
        return await store.ready()
    except psycopg.OperationalError:
        return False


async def test_a_connection_that_takes_no_writes_is_replaced(url: str) -> None:
    store = Database(url, pool_size=1)
    await store.start()

    async def tell() -> None:
        async with store.work() as work:
            work.tell(told("team_a", 1))

    async with store.read() as connection:
        await connection.execute("SET default_transaction_read_only = on")  # as where its server leads no more
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
        await tell()
    assert transient(refused.value) == "the database is read-only"
    await tell()
    assert await outbox_rows(store) == [("team_a", 1)]
    await store.stop()


async def test_a_lane_waits_for_no_connection_of_the_rest_and_wakes_the_same_listeners(url: str) -> None:
    store = Database(url, pool_size=2)
    lane = store.lane(1)
    await store.start()
    await lane.start()
    with store.wakes.listening("anything") as bell:
        async with store.read(), store.read(), lane.work() as work:
            work.call("anything")
        async with asyncio.timeout(10):
            await bell.rung(60)
        await lane.stop()
        store.wakes.ring("anything")
        async with asyncio.timeout(10):
            await bell.rung(60)
    await store.stop()


async def test_the_direct_address_is_used_for_what_a_pooler_cannot_do(url: str) -> None:
    store = Database("postgresql://127.0.0.1:1/pooler", url)
    async with store.direct() as connection:
        await connection.execute("LISTEN anything")
        [keepalive] = await (await connection.execute("SHOW tcp_keepalives_idle")).fetchone() or ["?"]
        assert keepalive == "10"


async def test_statements_are_prepared_unless_a_pooler_cannot(url: str) -> None:
    for prepare, expected in ((True, 1), (False, 0)):
        store = Database(url, pool_size=2, prepare=prepare)
        await store.start()
        async with store.read() as connection:
            for _ in range(10):
                await connection.execute("SELECT %s::int", (1,))
            row = await connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%::int'")
            assert (await row.fetchone() or (None,))[0] == expected
        await store.stop()


@pytest.mark.parametrize("way", ["read", "work"])
async def test_a_task_that_is_told_to_end_as_its_connection_comes_ends(store: Database, way: str) -> None:
    one = Database(store.direct_url, pool_size=1)
    await one.start()

    async def use() -> None:
        async with one.read() if way == "read" else one.work():
            await asyncio.Event().wait()

    for steps in range(40):
        async with one.read() as held:
            task = asyncio.create_task(use())
            await asyncio.sleep(0.002)
            assert not held.closed
        for _ in range(steps % 20):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        if not done:
            task.cancel()  # so that the pool closes
        assert done, f"told to end after {steps} steps, it goes on"
        assert task.cancelled()
    await one.stop()
