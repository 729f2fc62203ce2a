"""What keys, limits and turns of platforms cost a join: CPU with them over CPU without, switched in the bench alone."""

from tests.bench.bench import Bench

CLOSED, OPEN = "closed", "open"
_MICRO = 1e6


async def run(bench: Bench) -> None:
    """Join by 64 callers."""
    spread, whole = await bench.spread(), bench.whole
    addresses = {
        CLOSED: (await whole.run(CLOSED, "services.team_formation", "rpc")).address,
        OPEN: (await whole.run(OPEN, "tests.bench.open_door", "rpc")).address,
    }

    async def joined(name: str) -> float:
        outcome = await bench.join(spread, addresses[name])
        bench.results.add(f"join_{name}", outcome.rate, "a second")
        return bench.results.add(f"join_{name}_cpu", outcome.cpu[name] / outcome.calls * _MICRO, "us each")

    async def closed(_round: int) -> float:
        return await joined(CLOSED)

    async def opened(_round: int) -> float:
        return await joined(OPEN)

    try:
        for address in addresses.values():  # what is new is slow at first
            await bench.join(spread, address, seconds=1)
        await bench.interleaved({CLOSED: closed, OPEN: opened})
    finally:
        for name in addresses:
            await whole.end(name)
    bench.results.ratio("join_auth_cpu", f"join_{CLOSED}_cpu", f"join_{OPEN}_cpu")
