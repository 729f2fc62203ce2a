"""Joins by the hundred, two callers: against PostgreSQL's own benchmark on the same server."""

from tests.bench.bench import Bench
from tests.bench.pgbench import PgBench


async def run(bench: Bench) -> None:
    """Measure."""
    spread = await bench.spread()
    pgbench = PgBench(bench.whole.postgres, bench.whole.folder / "pgbench.log")
    await pgbench.prepare()

    async def transactions(_round: int) -> float:
        return bench.results.add("pgbench", await pgbench.run(bench.seconds), "a second")

    async def bulk(_round: int) -> float:
        return bench.note("join_bulk", await bench.join_many(spread))

    async def hot(_round: int) -> float:
        return bench.note("join_bulk_hot", await bench.join_many(await bench.hot()))

    await bench.interleaved({"pgbench": transactions, "bulk": bulk, "bulk hot": hot})
    bench.results.ratio("join_bulk_to_pgbench", "join_bulk", "pgbench")
    bench.results.ratio("join_bulk_hot_to_pgbench", "join_bulk_hot", "pgbench")
