"""What a million open teams cost while nothing is due: the service and PostgreSQL, doing nothing."""

import asyncio

from tests.bench.bench import Bench
from tests.bench.cpu import spent
from tests.bench.seed import more_teams, new_teams

OPEN_TEAMS = 1_000_000
LONGER = 2


async def run(bench: Bench) -> None:
    """Measure before and after the teams are there."""
    await _idle(bench, "idle_few_open_teams")
    bench.say(f"making {OPEN_TEAMS:,} open teams")
    [model] = await new_teams(bench.whole, bench.whole.campaign())
    await more_teams(bench.whole, model, OPEN_TEAMS)
    await _idle(bench, "idle_million_open_teams")


async def _idle(bench: Bench, name: str) -> None:
    seconds = bench.seconds * LONGER
    for number in range(bench.rounds):
        bench.say(f"round {number + 1} of {bench.rounds}: {name.replace('_', ' ')}")
        before = bench.whole.meter.read()
        await asyncio.sleep(seconds)
        cpu = spent(before, bench.whole.meter.read())
        for program in ("service", "postgres"):
            bench.results.add(f"{name}_cpu_{program}", cpu[program] / seconds * 1000, "ms/s")
