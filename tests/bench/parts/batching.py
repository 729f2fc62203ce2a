"""What forming batches brings: the same path with batches of one."""

from services.team_formation.settings import Settings
from tests.bench.bench import Bench
from tests.bench.errors import BenchError

SINGLE = "single"


async def run(bench: Bench) -> None:
    """Measure."""
    if "batch_limit" not in Settings.model_fields:
        raise BenchError("team_formation has no setting GROUPBUY_BATCH_LIMIT, to measure it without batches.")
    spread = await bench.spread()
    single = await bench.whole.run(SINGLE, "services.team_formation", "rpc", BATCH_LIMIT="1")

    async def batched(_round: int) -> float:
        return bench.results.add("join_batched", (await bench.join(spread)).rate, "a second")

    async def one_by_one(_round: int) -> float:
        return bench.results.add("join_single", (await bench.join(spread, single.address)).rate, "a second")

    try:
        await bench.interleaved({"batched": batched, "single": one_by_one})
    finally:
        await bench.whole.end(SINGLE)
    bench.results.ratio("join_batched_to_single", "join_batched", "join_single")
