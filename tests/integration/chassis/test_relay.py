"""The relay: in order per key, at least once, never past a transaction that has drawn a position and is not decided."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import psycopg
import pytest

from services.chassis import outbox, relay
from services.chassis.database import Database
from services.chassis.relay import Relay, RelaySession, have_heard, rewind
from services.chassis.work import Work
from tests.support.outbox import RecordingPublisher, told
from tests.support.until import until

ALL = list(range(outbox.SHARDS))


@asynccontextmanager
async def session(store: Database, publisher: RecordingPublisher) -> AsyncIterator[RelaySession]:
    """A relay's session that has taken the shards that are free."""
    async with store.direct() as connection:
        opened = RelaySession(connection, publisher)
        await opened.take_shards()
        yield opened


@asynccontextmanager
async def running(relays: list[Relay]) -> AsyncIterator[None]:
    """Relays that run as in a process."""
    tasks = [asyncio.create_task(item.run()) for item in relays]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def append(work: Work, *facts: tuple[str, int]) -> None:
    """Write facts to the outbox, and wait until they are there: what a work sends is only on its way."""
    await outbox.append(work.connection, [told(*fact) for fact in facts])
    await (await work.connection.execute("SELECT 1")).fetchone()


async def tell(store: Database, *facts: tuple[str, int]) -> None:
    """Commit facts, named by key and sequence, in one transaction."""
    async with store.work() as work:
        for key, sequence in facts:
            work.tell(told(key, sequence))


async def test_a_transaction_under_way_holds_back_those_that_drew_later_positions(store: Database) -> None:
    publisher = RecordingPublisher()
    await tell(store, ("team_a", 1))
    async with session(store, publisher) as ours:
        await ours.run_once()
        async with store.work() as slow:
            await append(slow, ("team_a", 2))
            await tell(store, ("team_b", 1))
            for _ in range(3):
                assert await ours.run_once() == (0, True)
            assert publisher.seen == [("team_a", 1)]
        assert await ours.run_once() == (2, False)
    assert publisher.seen == [("team_a", 1), ("team_a", 2), ("team_b", 1)]


async def test_a_transaction_under_way_is_seen_though_none_has_ended_since_it_began(store: Database) -> None:
    """The upper bound of a snapshot is the number after the last transaction that ended: a younger one is beyond it."""
    publisher = RecordingPublisher()
    await tell(store, ("team_a", 1))
    async with session(store, publisher) as ours:
        async with store.work() as slow:
            await append(slow, ("team_a", 2))
            for _ in range(3):
                await ours.run_once()
        await tell(store, ("team_a", 3))
        for _ in range(2):
            await ours.run_once()
    assert publisher.seen == [("team_a", 1), ("team_a", 2), ("team_a", 3)]


async def test_a_transaction_that_rolls_back_holds_back_nothing(store: Database) -> None:
    publisher = RecordingPublisher()
    async with session(store, publisher) as ours:
        with contextlib.suppress(ZeroDivisionError):
            async with store.work() as undone:
                await append(undone, ("team_a", 1))
                await tell(store, ("team_b", 1))
                raise ZeroDivisionError
        assert await ours.run_once() == (1, False)
    assert publisher.seen == [("team_b", 1)]


async def test_a_position_is_drawn_only_after_the_transaction_has_its_number(store: Database) -> None:
    """What the horizon relies on. Nothing else in this transaction writes, so append itself has to see to it."""
    async with store.work() as work:
        plan = await work.connection.execute(
            "EXPLAIN (VERBOSE, COSTS OFF) " + outbox._APPEND, outbox._columns([told("team_a", 1)])
        )
        lines = [line async for (line,) in plan]
        before = await (await work.connection.execute("SELECT pg_current_xact_id_if_assigned()::text")).fetchone()
        await append(work, ("team_a", 1))
        after = await (await work.connection.execute("SELECT pg_current_xact_id_if_assigned()::text")).fetchone()
    drawing = next(n for n, line in enumerate(lines) if "nextval" in line)
    numbering = next(n for n, line in enumerate(lines) if "CTE Scan" in line)
    assert drawing < numbering, "a node's input is below it, and a row is made only after its input was read"
    assert before == (None,)
    assert after != (None,)


async def test_nothing_committed_is_skipped_and_keys_keep_their_order_under_many_writers(store: Database) -> None:
    writers, transactions, keys = 8, 150, 10
    publisher = RecordingPublisher()
    chance = random.Random(7)  # noqa: S311 - a test's pauses
    await _make_teams(store, keys)
    async with running([Relay(store, publisher)]):
        await asyncio.gather(*(_write(store, chance, transactions, keys) for _ in range(writers)))
        async with store.read() as connection:
            rows = await connection.execute("SELECT aggregateid, sequence FROM outbox ORDER BY aggregateid, sequence")
            committed = await rows.fetchall()
        await until(lambda: len(publisher.seen) >= len(committed))
    assert len(committed) > writers * transactions / 2
    assert sorted(publisher.seen) == committed
    by_key: dict[str, list[int]] = defaultdict(list)
    for key, sequence in publisher.seen:
        by_key[key].append(sequence)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_key.values())


async def _make_teams(store: Database, keys: int) -> None:
    async with store.read() as connection:
        await connection.execute("CREATE TABLE teams (key text PRIMARY KEY, version bigint NOT NULL DEFAULT 0)")
        await connection.execute(
            "INSERT INTO teams (key) SELECT 'team_' || n FROM generate_series(1, %s) AS n", (keys,)
        )


async def _write(store: Database, chance: random.Random, transactions: int, keys: int) -> None:
    """As handlers do: lock the aggregate, count its version up, tell; some transactions dawdle, some roll back."""
    for _ in range(transactions):
        key = f"team_{chance.randint(1, keys)}"
        async with store.work() as work:
            if chance.random() < 0.3:
                await work.connection.execute("SELECT pg_current_xact_id()")
            row = await work.connection.execute("SELECT version FROM teams WHERE key = %s FOR UPDATE", (key,))
            version = (await row.fetchone() or (0,))[0] + 1
            await work.connection.execute("UPDATE teams SET version = %s WHERE key = %s", (version, key))
            await append(work, (key, version))
            if chance.random() < 0.2:
                await asyncio.sleep(chance.random() * 0.02)
            if chance.random() < 0.1:
                raise psycopg.Rollback


async def test_shards_have_one_relay_and_go_to_another_when_its_session_ends(store: Database) -> None:
    publisher = RecordingPublisher()
    async with session(store, publisher) as second:
        assert await second.take_shards() == ALL
        async with session(store, publisher) as third:
            assert await third.take_shards() == []
    async with store.direct() as first, session(store, publisher) as heir:
        await first.execute("SELECT 1")
        assert await heir.take_shards() == ALL


async def test_another_relay_goes_on_where_the_first_was_killed(store: Database) -> None:
    first, second = RecordingPublisher(), RecordingPublisher()
    async with running([Relay(store, first)]):
        await tell(store, ("team_a", 1), ("team_b", 1))
        await until(lambda: len(first.seen) == 2)
        async with running([Relay(store, second)]):
            async with store.read() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'groupbuy-direct' AND datname = current_database()"
                )
            await tell(store, ("team_a", 2))
            await until(lambda: ("team_a", 2) in [*first.seen, *second.seen])
    seen = [*first.seen, *second.seen]
    assert seen.count(("team_a", 1)) == 1
    assert seen.index(("team_a", 1)) < seen.index(("team_a", 2))


async def test_the_position_survives_a_restart(store: Database) -> None:
    publisher = RecordingPublisher()
    await tell(store, ("team_a", 1))
    async with session(store, publisher) as ours:
        await ours.run_once()
    await tell(store, ("team_a", 2))
    async with session(store, publisher) as ours:
        await ours.run_once()
    assert publisher.seen == [("team_a", 1), ("team_a", 2)]


async def test_what_kafka_did_not_acknowledge_is_written_again(store: Database) -> None:
    publisher = RecordingPublisher()
    publisher.fail = 3
    async with running([Relay(store, publisher)]):
        await tell(store, ("team_a", 1), ("team_a", 2))
        await until(lambda: len(publisher.seen) == 2)
    assert publisher.fail == 0
    assert publisher.seen == [("team_a", 1), ("team_a", 2)]


async def test_many_events_go_in_batches(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "BATCH", 7)
    publisher = RecordingPublisher()
    await tell(store, *((f"team_{n % 3}", n // 3 + 1) for n in range(30)))
    async with session(store, publisher) as ours:
        assert [(await ours.run_once())[0] for _ in range(6)] == [7, 7, 7, 7, 2, 0]
    assert publisher.seen == [(f"team_{n % 3}", n // 3 + 1) for n in range(30)]


@pytest.fixture
def numbers() -> Iterator[int]:
    """Sequences of one key."""
    return count(1)


async def test_a_rewind_publishes_again_in_order_what_was_committed_since(
    store: Database, numbers: Iterator[int]
) -> None:
    publisher = RecordingPublisher()
    async with session(store, publisher) as ours, store.read() as connection:
        for _ in range(3):
            await tell(store, ("team_a", next(numbers)), ("team_b", 1))
        await ours.run_once()
        first = list(publisher.seen)
        middle = await (
            await connection.execute("SELECT created_at FROM outbox WHERE sequence = 2 AND aggregateid = 'team_a'")
        ).fetchone()
        assert middle
        await rewind(connection, middle[0])
        await ours.take_shards()
        await ours.run_once()
        assert publisher.seen[len(first) :] == first[2:]
        await rewind(connection, datetime.now(UTC) - timedelta(days=400))
        await ours.take_shards()
        await ours.run_once()
        assert publisher.seen[-6:] == first
        await rewind(connection, datetime.now(UTC) + timedelta(days=1))
        await ours.take_shards()
        assert await ours.run_once() == (0, False)


async def test_a_rewind_is_heard_of_before_anything_else_is_published(store: Database) -> None:
    await tell(store, ("team_a", 1))
    async with store.read() as connection:
        async with session(store, RecordingPublisher()) as ours:
            await rewind(connection, datetime.now(UTC) - timedelta(days=1))
            assert not await have_heard(connection, 0), "it may still be writing what it had read"
            await ours.take_shards()
            assert await have_heard(connection, 0)
            await rewind(connection, datetime.now(UTC) - timedelta(days=1))
        await until(partial(have_heard, connection, 0))  # who begins anew looks where to begin


async def test_a_rewind_while_a_batch_is_published_is_not_overwritten_by_it(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = RecordingPublisher()
    await tell(store, ("team_a", 1), ("team_b", 1))
    async with session(store, publisher) as ours, store.read() as connection:
        await ours.run_once()
        await tell(store, ("team_a", 2))
        publish = publisher.publish

        async def rewinding(messages: list[object]) -> None:
            await publish(messages)  # type: ignore[arg-type]
            await rewind(connection, datetime.now(UTC) - timedelta(days=1))

        monkeypatch.setattr(publisher, "publish", rewinding)
        await ours.run_once()
        monkeypatch.setattr(publisher, "publish", publish)
        await ours.run_once()
    assert publisher.seen == [
        ("team_a", 1),
        ("team_b", 1),
        ("team_a", 2),
        ("team_a", 1),
        ("team_b", 1),
        ("team_a", 2),
    ]
