"""A database of 0.1.0 brought up to date: teams and work under way there go on with the new facts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from psycopg import sql

from services.chassis import migrations
from services.chassis.database import Database as Store
from services.chassis.messages import Record
from services.chassis.migrations import Migration, migrate
from tests.support.campaigns import wrong
from tests.support.database import Database
from tests.support.pricing import TABLES, PricingService
from tests.support.pricing_lives import EXPIRED, a_full_life


async def test_a_team_whose_settlement_is_under_way_can_be_given_back_after_the_upgrade(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pricing.handlers.settle.CHUNK", 1)
    life = a_full_life()
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=3)
    life.form()
    life.late("tom", "paid-twice")
    before = len(life.records)
    url = await database("")
    await old_database(url, await database("pricing"), life.records, monkeypatch)
    async with opened(url) as old:
        assert len(await old.rows("SELECT * FROM settlement_jobs")) == 2
    assert "0002_later_facts.sql" in await migrate(url, "pricing")
    life.reduce("tom", 1)
    life.withdraw("mei")
    life.cancel()
    async with opened(url) as pricing:
        await pricing.apply(life.records[before:])
        await pricing.settle()
        assert await pricing.parked() == {}
        lines = await pricing.rows("SELECT member_id, cause, quantity FROM settlement_lines ORDER BY sequence")
    assert [tuple(line.values()) for line in lines] == [
        ("mei", "TEAM_FORMED", 1),
        ("tom", "TEAM_FORMED", 3),
        ("tom", "LATE_PAYMENT", 3),
        ("tom", "SEAT_REDUCED", -1),
        ("mei", "SEAT_WITHDRAWN", -1),
        ("tom", "TEAM_CANCELLED", -2),
    ]


async def test_what_was_counted_before_there_were_tallies_agrees_with_the_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = a_full_life()
    life.open("mei")
    life.confirm("mei")
    life.hold("tom")
    life.release("tom", EXPIRED)
    life.confirm("tom")
    life.hold("ana")
    life.release("ana", EXPIRED)
    life.join("ida", quantity=2)
    life.leave("ida")
    life.form()
    url = await database("")
    await old_database(url, await database("pricing"), life.records, monkeypatch)
    await migrate(url, "pricing")
    async with opened(url) as pricing:
        await pricing.tallies.run_once()
        assert not await wrong(pricing)
        [tally] = await pricing.rows("SELECT seats_held, seats_expired, seats_left, units_of_fill FROM tallies")
    assert tuple(tally.values()) == (4, 2, 1, 2)


async def test_a_seat_of_before_earns_its_promoter_what_its_later_events_say(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """team_formation finds out by the invite who earns by an old seat, and says so in every event from then on."""
    life = a_full_life()
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    life.join("ana")
    life.join("ida")
    before = len(life.records)
    url = await database("")
    await old_database(url, await database("pricing"), life.records, monkeypatch)
    await migrate(url, "pricing")
    for member in ("tom", "ana", "ida"):
        life.seat(member).promoter_id, life.seat(member).commission_basis_points = "kol", 1000
    life.reduce("tom", 1)
    life.leave("ana")
    life.form()
    life.withdraw("ida")
    async with opened(url) as pricing:
        await pricing.apply(life.records[before:])
        await pricing.settle()
        assert await pricing.parked() == {}
        earned = await pricing.rows(
            "SELECT s.member_id, b.beneficiary_id, b.quantity, b.amount FROM beneficiary_lines AS b"
            " JOIN seats AS s USING (campaign_id, seat_id)"
        )
    # of ida nothing was told until the team had formed: its line earned nothing, and so nothing is taken back
    assert [tuple(row.values()) for row in earned] == [("tom", "kol", 1, 299)]


async def old_database(url: str, scratch: str, records: Sequence[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database of 0.1.0 that has followed these events; `scratch` is a database of now that follows them too."""
    with monkeypatch.context() as patch:
        every = migrations.migrations("pricing")
        patch.setattr(migrations, "migrations", lambda _service: list(filter(_is_of_0_1_0, every)))
        await migrate(url, "pricing")
    async with opened(scratch) as new, opened(url) as old:
        await new.apply(records)
        await copy_what_fits(new, old)


def _is_of_0_1_0(item: Migration) -> bool:
    return item.name.startswith("0001")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PricingService]:
    """Pricing on a database."""
    store = Store(url, pool_size=2)
    await store.start()
    yield PricingService(store)
    await store.stop()


async def copy_what_fits(new: PricingService, old: PricingService) -> None:
    """Copy rows into a database that has fewer columns."""
    for table in (*TABLES, "inbox"):
        query = f"SELECT column_name AS name FROM information_schema.columns WHERE table_name = '{table}'"  # noqa: S608
        names = [row["name"] for row in await old.rows(query)]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table), columns, sql.SQL(", ").join(map(sql.Placeholder, names))
        )
        for row in await new.rows(f"SELECT * FROM {table}"):  # noqa: S608 - our own tables
            async with old.database.read() as connection:
                await connection.execute(statement, {name: row[name] for name in names})
