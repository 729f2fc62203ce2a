"""Migrations and the outbox's partitions: applied once, in order, by one process at a time; days made and dropped."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import psycopg
import pytest

from services.chassis import metrics, migrations, outbox, partitions
from services.chassis.database import Database
from services.chassis.keeper import Keeper
from services.chassis.migrations import Migration, MigrationError, migrate
from tests.support.database import Database as MakeDatabase
from tests.support.outbox import told
from tests.support.until import until

TODAY = date(2030, 5, 20)


def names(service: str) -> list[str]:
    """The files of the chassis in order, then the service's."""
    services = Path(migrations.__file__).parents[1]
    found = [sorted((services / name / "migrations").glob("*.sql")) for name in dict.fromkeys(("chassis", service))]
    return [path.name for files in found for path in files]


async def test_each_file_is_applied_once_in_order(database: MakeDatabase) -> None:
    empty = await database("")
    assert await migrate(empty, "pricing") == names("pricing")
    assert await migrate(empty, "pricing") == []


async def test_two_at_once_wait_for_each_other(database: MakeDatabase) -> None:
    empty = await database("")
    applied = await asyncio.gather(*(migrate(empty, "chassis") for _ in range(4)))
    assert sorted(applied) == [[], [], [], names("chassis")]


async def test_a_file_that_was_changed_is_refused_with_the_remedy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [Migration("chassis", "0001_chassis.sql", "SELECT 1")]
    monkeypatch.setattr(migrations, "migrations", lambda _service: changed)
    with pytest.raises(MigrationError, match=r"chassis/migrations/0001_chassis.sql was changed .* add a new file"):
        await migrate(url, "chassis")


async def test_a_file_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    more = [*migrations.migrations("chassis"), Migration("chassis", "0002.sql", "CREATE TABLE half (); SELECT 1/0")]
    monkeypatch.setattr(migrations, "migrations", lambda _service: more)
    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(url, "chassis")
    monkeypatch.setattr(migrations, "migrations", lambda _service: more[:-1])
    assert await migrate(url, "chassis") == []
    async with await psycopg.AsyncConnection.connect(url) as connection:
        assert await (await connection.execute("SELECT to_regclass('half')")).fetchone() == (None,)


async def test_a_file_that_meets_a_deadlock_is_applied_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE one (); CREATE TABLE two ()")
    both = "ALTER TABLE one ADD COLUMN a int; ALTER TABLE two ADD COLUMN a int"
    more = [*migrations.migrations("chassis"), Migration("chassis", "0900.sql", both)]
    monkeypatch.setattr(migrations, "migrations", lambda _service: more)
    async with await psycopg.AsyncConnection.connect(url) as calling:
        await calling.execute("LOCK TABLE two IN ROW EXCLUSIVE MODE")
        migrating = asyncio.create_task(migrate(url, "chassis"))
        await until(lambda: _waits(url))
        await calling.execute("LOCK TABLE one IN ROW EXCLUSIVE MODE")  # the migration waited first, and is given up
        await calling.commit()
    assert await migrating == ["0900.sql"]


async def _waits(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode LIKE 'Access%'")
        return bool((await found.fetchone() or (0,))[0])


def test_every_service_has_files_and_they_are_numbered() -> None:
    for service in ("team_formation", "pricing", "notification"):
        for item in migrations.migrations(service):
            assert item.name[:4].isdigit(), item.name
            assert Path(item.name).suffix == ".sql"


async def days(store: Database) -> list[str]:
    """The days that the outbox has."""
    async with store.read() as connection:
        return sorted(f"{day:%m-%d}" for day in await partitions._partitions(connection))


async def keep(store: Database, today: date) -> None:
    async with store.read() as connection:
        await partitions.keep_partitions(connection, today, 2)


async def test_days_are_made_ahead_and_dropped_when_they_are_old(store: Database) -> None:
    await keep(store, TODAY)
    assert await days(store) == ["05-19", "05-20", "05-21", "05-22", "05-23"]
    await keep(store, TODAY + timedelta(days=2))
    assert await days(store) == ["05-20", "05-21", "05-22", "05-23", "05-24", "05-25"]


async def test_a_day_with_events_that_are_not_in_kafka_is_kept(store: Database) -> None:
    await keep(store, datetime.now(UTC).date())
    async with store.work() as work:
        work.tell(told("team_a", 1))
    later = datetime.now(UTC).date() + timedelta(days=30)
    await keep(store, later)
    today = f"{datetime.now(UTC):%m-%d}"
    assert today in await days(store)
    async with store.read() as connection:
        await connection.execute("UPDATE relay_positions SET position = 1")
    await keep(store, later)
    assert today not in await days(store)


async def test_several_keepers_at_once_make_each_day_once(store: Database) -> None:
    await asyncio.gather(*(keep(store, TODAY) for _ in range(5)))
    assert len(await days(store)) == 5


async def test_a_keeper_does_not_hold_up_writers_behind_a_long_transaction(store: Database) -> None:
    async with store.work() as long:
        await outbox.append(long.connection, [told("team_a", 1)])
        await (await long.connection.execute("SELECT 1")).fetchall()  # what was held back is there now
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await keep(store, TODAY)
    await keep(store, TODAY)


async def test_the_keeper_measures_what_waits(store: Database) -> None:
    keeper = Keeper(store)
    assert await keeper.run_once() == 0
    async with store.work() as work:
        work.tell(told("team_a", 1))
        work.tell(told("team_b", 1))
        work.tell(told("team_a", 2))
    async with store.read() as connection:
        await connection.execute(
            "INSERT INTO parked_messages (topic, key, partition, position, value, headers, reason, parked_at)"
            " SELECT 't', 'k', 0, n, '', '{}', 'why', now() FROM generate_series(1, 3) AS n"
        )
        assert await keeper.run_once() == 3
        await connection.execute("UPDATE relay_positions SET position = 1, reached_at = now()")
        assert await keeper.run_once() == 2
        shard = outbox.shard_of("team_a")
        await connection.execute("UPDATE relay_positions SET position = 3 WHERE shard = %s", (shard,))
        assert await keeper.run_once() == (0 if outbox.shard_of("team_b") == shard else 1)
    assert _value("groupbuy_parked_keys") == 1
    assert _value("groupbuy_outbox_oldest_unsent_seconds") >= 0
    assert _value("groupbuy_outbox_bytes") > 0


def _value(name: str) -> float:
    gauges = {
        "groupbuy_parked_keys": metrics.PARKED_KEYS,
        "groupbuy_outbox_oldest_unsent_seconds": metrics.OUTBOX_AGE,
        "groupbuy_outbox_bytes": metrics.OUTBOX_BYTES,
    }
    return cast("float", gauges[name]._value.get())
