"""Connections: a transaction that tells, a read that is given up, a server that goes away and comes back."""

import asyncio
import contextlib

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

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
