"""How fast a rebuild reads the events of teams again, over how fast pricing consumed the very same ones."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from typing import Any

from tests.bench.backlog import until_empty
from tests.bench.bench import Bench
from tests.bench.consuming import (
    PRICING,
    SPREAD_TEAMS,
    TEAMS,
    Lookout,
    consumed_alone,
    nothing_left,
    opened_teams,
    pricing_from_now,
)
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.paths import environment
from tests.bench.reading import drop_records
from tests.bench.seed import Team

LONGEST_SECONDS = 300.0
TALLIES = "groupbuy.tally.v1"


async def run(bench: Bench) -> None:
    """Measure; each round has a topic with nothing but its own events, and rebuilds all that pricing has."""
    whole = bench.whole
    async with pricing_from_now(whole) as looks:
        for number in range(bench.rounds):
            await _drop_former(whole)
            teams = await opened_teams(whole, whole.campaign(), SPREAD_TEAMS)
            bench.say(f"round {number + 1} of {bench.rounds}: bulk joins, consumed alone, then replayed")
            bench.results.add("replay_live", await _live(bench, looks, teams), "a second")
            began = time.monotonic()
            rebuilt = await _replay(whole)
            bench.results.add("replay_in_all", time.monotonic() - began, "s")
            bench.results.add("replay_events", rebuilt["events"], "events")
            bench.results.add("replay", rebuilt["events"] / rebuilt["seconds"], "a second")
    bench.results.ratio("replay_to_live", "replay", "replay_live")


async def _drop_former(whole: Installation) -> None:
    """Have the topics forget what is in them: of teams that SQL has copied nothing can be built."""
    await until_empty(whole.database)
    await drop_records(whole, [TEAMS, TALLIES])


async def _live(bench: Bench, looks: Lookout, teams: Sequence[Team]) -> float:
    """Join by the hundred while pricing does not run, then have it consume that alone."""
    campaign, whole = teams[0].campaign_id, bench.whole
    await looks.until(campaign, nothing_left)
    await whole.end(PRICING)
    before = await looks.look(campaign)
    await bench.join_many(teams)
    await until_empty(whole.database)
    return await consumed_alone(whole, looks, before, campaign)


async def _replay(whole: Installation) -> Any:
    """Rebuild while the service stands by; gives what the command says. BenchError where it differs or is too slow."""
    unused = {"LISTEN": "127.0.0.1:1", "OPS_LISTEN": "127.0.0.1:1"}  # asked for, but a rebuild listens to nobody
    settings = {f"GROUPBUY_{name}": value for name, value in (whole.settings() | unused).items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "services.pricing", "replay"),
        stdout=PIPE,
        env=environment(**settings),
        cwd=whole.folder,
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise BenchError(f"The rebuild took more than {LONGEST_SECONDS:.0f} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise BenchError(f"The rebuild failed, or differs from what is in use: {said.decode()[:2000]}")
    return json.loads(said)
