"""Live readers: ten thousand over a thousand teams, and five thousand of one team; a hundred changes a second."""

from typing import Any

import psutil

from tests.bench.bench import Bench
from tests.bench.seed import Team, more_teams, new_teams
from tests.bench.watching import WatchJob

PROCESS = "readers"
CHANGES_A_SECOND = 100
MANY_TEAMS, READERS_EACH, READERS_OF_ONE = 1_000, 10, 5_000


async def run(bench: Bench) -> None:
    """Measure."""
    [model] = await new_teams(bench.whole, bench.whole.campaign())
    many = [model, *await more_teams(bench.whole, model, MANY_TEAMS - 1)]
    await _watch(bench, "watch_many_teams", many, READERS_EACH)
    await _watch(bench, "watch_one_team", await bench.hot(), READERS_OF_ONE)


async def _watch(bench: Bench, name: str, teams: list[Team], readers: int) -> None:
    """Measure on a process of its own: what readers before it left in memory would hide what these take."""
    whole = bench.whole
    service = await whole.run(PROCESS, "services.team_formation", "rpc")
    names = [team.name for team in bench.shuffled(teams)]
    job = WatchJob(
        service.address,
        whole.service.address,
        whole.key,
        names,
        readers,
        CHANGES_A_SECOND,
        bench.seconds,
        bench.rounds,
    )
    resident = [psutil.Process(service.pid).memory_info().rss]

    def heard(event: str) -> None:
        bench.say(f"{len(teams):,} teams, {len(teams) * readers:,} readers: {event}")
        resident.append(psutil.Process(service.pid).memory_info().rss)

    try:
        rounds, cpu = await whole.client.watch(job, whole.meter, heard)
    finally:
        await whole.end(PROCESS)
    kib = (resident[1] - resident[0]) / (len(teams) * readers) / 1024
    bench.results.add(f"{name}_memory_per_stream", kib, "KiB")
    _note(bench, name, rounds, cpu)


def _note(bench: Bench, name: str, rounds: list[dict[str, Any]], cpu: dict[str, float]) -> None:
    for measured in rounds:
        bench.results.add(f"{name}_state_p50", measured["delay"]["p50"], "s")
        bench.results.add(f"{name}_state_p99", measured["delay"]["p99"], "s")
        bench.results.add(f"{name}_last_state", measured["last"], "s")
        bench.results.add(f"{name}_changes", measured["changes"], "a second")
        bench.results.add(f"{name}_messages", measured["messages"] / measured["seconds"], "a second")
    lasted = sum(measured["seconds"] for measured in rounds)
    for program in (PROCESS, "service", "postgres", "client"):
        bench.results.add(f"{name}_cpu_{program}", cpu[program] / lasted * 1000, "ms/s")
