"""Statistics are renewed when a table has grown tenfold, and not again for nothing."""

from services.chassis import statistics
from services.chassis.database import Database
from tests.support.until import until


async def test_a_table_that_grew_is_looked_at_once(store: Database) -> None:
    async with store.read() as connection:
        await connection.execute("INSERT INTO inbox SELECT 't', n::text, 1, false FROM generate_series(1, 500) AS n")

    async def renewed() -> list[str]:
        async with store.read() as connection:
            return await statistics.renew(connection)

    assert await until(renewed) == ["inbox"]
    async with store.read() as connection:
        cursor = await connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'inbox'")
        assert await cursor.fetchall() == [(500,)]
    assert await renewed() == []
