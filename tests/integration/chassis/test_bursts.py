"""Statements of a transaction are sent together, and nothing of what psycopg promises is lost by it."""

import asyncio
from typing import Any

import pytest
from psycopg.errors import OperationalError, UndefinedTable, UniqueViolation

from services.chassis.database import Database
from services.chassis.rows import ask, put
from services.chassis.work import Work
from tests.support.until import until


async def _rows(store: Database, sql: str) -> list[Any]:
    async with store.read() as connection:
        return await (await connection.execute(sql)).fetchall()


@pytest.fixture
async def table(store: Database) -> None:
    """A table of numbers."""
    async with store.read() as connection:
        await connection.execute("CREATE TABLE numbers (n bigint PRIMARY KEY)")


async def test_nothing_is_sent_before_rows_are_fetched(store: Database, table: None) -> None:
    async with store.work() as work:
        for number in range(5):
            await work.connection.execute("INSERT INTO numbers VALUES (%s)", (number,))
        assert len(work._burst.command_queue) >= 6
        assert await (await work.connection.execute("SELECT count(*) FROM numbers")).fetchall() == [(5,)]
        assert not work._burst.command_queue


async def test_what_was_told_to_be_sent_runs_meanwhile(store: Database, table: None) -> None:
    async with store.work() as work:
        await work.connection.execute("SELECT pg_advisory_xact_lock(77)")
        await work.send()

        async def locked() -> bool:
            return await _rows(store, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == [(1,)]

        await until(locked)


async def _insert(store: Database, statement: str, failure: Exception | None = None) -> None:
    async with store.work() as work:
        await work.connection.execute("INSERT INTO numbers VALUES (1)")
        await work.connection.execute(statement)
        if failure:
            raise failure


async def test_an_error_undoes_all_and_the_connection_is_good_again(store: Database, table: None) -> None:
    with pytest.raises(UniqueViolation):
        await _insert(store, "INSERT INTO numbers VALUES (1)")
    with pytest.raises(UndefinedTable):
        await _insert(store, "SELECT * FROM nowhere")
    with pytest.raises(ZeroDivisionError):
        await _insert(store, "SELECT 1", ZeroDivisionError())
    assert await _rows(store, "SELECT * FROM numbers") == []
    await _insert(store, "SELECT 1")
    assert await _rows(store, "SELECT * FROM numbers") == [(1,)]


async def test_more_than_any_buffer_holds_goes_both_ways(store: Database, table: None) -> None:
    """Neither side waits for the other while both have megabytes to send."""
    text = "x" * 100_000
    async with asyncio.timeout(60), store.work() as work:
        cursors = [await work.connection.execute("SELECT %s::text", (text,)) for _ in range(200)]
        assert {(await cursor.fetchall())[0][0] for cursor in cursors} == {text}


async def _insert_within(work: Work) -> None:
    async with work.connection.transaction():
        await (await work.connection.execute("INSERT INTO numbers VALUES (1) RETURNING n")).fetchall()


async def test_a_transaction_within_undoes_itself_alone(store: Database, table: None) -> None:
    async with store.work() as work:
        await work.connection.execute("INSERT INTO numbers VALUES (1)")
        with pytest.raises(UniqueViolation):
            await _insert_within(work)
        await work.connection.execute("INSERT INTO numbers VALUES (2)")
    assert await _rows(store, "SELECT n FROM numbers ORDER BY n") == [(1,), (2,)]


async def test_what_was_prepared_does_not_pile_up_where_transactions_are_undone(store: Database, table: None) -> None:
    prepared = "SELECT count(*) FROM pg_prepared_statements"
    rounds = 10
    for number in range(rounds):
        assert await _rows(store, "SELECT n FROM numbers") == []
        with pytest.raises(UniqueViolation):
            await _twice(store, number)
    async with store.work() as work:
        [(count,)] = await (await ask(work.connection, prepared, [()], lambda row: row)).one()
    assert count < rounds
    async with store.work() as work:
        await put(work.connection, "INSERT INTO numbers VALUES (%s)", [(1,)])
    assert await _rows(store, "SELECT n FROM numbers") == [(1,)]


async def _twice(store: Database, number: int) -> None:
    async with store.work() as work:
        await put(work.connection, "INSERT INTO numbers VALUES (%s)", [(number,), (number,)])


async def test_a_connection_that_was_closed_is_kept_no_longer(store: Database, table: None) -> None:
    for _ in range(5):
        with pytest.raises(OperationalError):
            await _closed_amid(store)
    async with store.work() as work:
        assert list(store._statements) == [work.connection]


async def _closed_amid(store: Database) -> None:
    async with store.work() as work:
        await work.connection.close()
        await put(work.connection, "SELECT 1", [()])
