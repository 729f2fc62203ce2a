"""How long a join takes when members come by chance, at half of what the service can do, beside the echo."""

from dataclasses import replace

from tests.bench.bench import Bench
from tests.bench.caller import Job, Outcome
from tests.bench.campaign import JOIN, joins
from tests.bench.commits import Commits
from tests.bench.seed import Team

LONGER = 2
"""So many times the usual length: a p99 is made of the slowest hundredth."""
COMMITS_ALLOWED = 3


async def run(bench: Bench) -> None:
    """Measure; each round finds the maximum anew."""
    spread = await bench.spread()
    for number in range(bench.rounds):
        bench.say(f"round {number + 1} of {bench.rounds}: maximum")
        maximum = (await bench.join(spread)).rate
        bench.results.add("arrivals", maximum / 2, "a second")
        joined, echoed = (_join, _echo) if number % 2 == 0 else (_echo, _join)
        await joined(bench, spread, maximum / 2)
        await echoed(bench, spread, maximum / 2)
    figures = bench.results.figures
    for echo, commit in zip(figures["arrivals_echo_p99"].rounds, figures["arrivals_commit"].rounds, strict=True):
        bench.results.add("arrivals_allowance", echo + COMMITS_ALLOWED * commit, "ms")
    bench.results.ratio("join_p99_to_allowance", "arrivals_join_p99", "arrivals_allowance")


async def _join(bench: Bench, teams: list[Team], rate: float) -> None:
    bench.say("joins at half of it")
    async with Commits(bench.whole.postgres) as commits:
        _note(bench, "join", await open_loop(bench, teams, rate, bench.whole.service.address))
    bench.results.add("arrivals_commit", commits.median * 1000, "ms")


async def _echo(bench: Bench, teams: list[Team], rate: float) -> None:
    bench.say("echoes at the same rate")
    _note(bench, "echo", await open_loop(bench, teams, rate, bench.whole.services["echo"].address))


def _note(bench: Bench, name: str, outcome: Outcome) -> None:
    bench.results.add(f"arrivals_{name}_p50", outcome.latency["p50"] * 1000, "ms")
    bench.results.add(f"arrivals_{name}_p99", outcome.latency["p99"] * 1000, "ms")
    bench.results.add(f"arrivals_{name}_client_late_p99", outcome.late["p99"] * 1000, "ms")


async def open_loop(bench: Bench, teams: list[Team], rate: float, address: str) -> Outcome:
    """Have members arrive as a Poisson process."""
    seconds = bench.seconds * LONGER
    job = Job(address, JOIN, bench.whole.key, joins([team.name for team in teams]), seconds)
    return await bench.whole.client.run(replace(job, kind="open", rate=rate), bench.whole.meter)
