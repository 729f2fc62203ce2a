"""A join by itself, 64 callers: against the echo, on one team, and over many campaigns."""

from tests.bench.bench import Bench
from tests.bench.caller import Job, Outcome
from tests.bench.campaign import JOIN, joins
from tests.bench.rounds import interleaved
from tests.bench.seed import Team, more_campaigns, more_teams, new_campaign, new_teams

SPREAD_TEAMS = 5_000
CAMPAIGNS, TEAMS_EACH = 1_000, 5
_MICRO = 1e6


async def run(bench: Bench) -> None:
    """Measure."""
    spread = await spread_teams(bench)
    many = await many_campaigns(bench)
    home = await new_campaign(bench.whole)

    async def echo(_round: int) -> float:
        return note(bench, "echo", await call(bench, spread, bench.whole.services["echo"].address), "echo")

    async def spread_out(_round: int) -> float:
        return note(bench, "join_spread", await call(bench, spread))

    async def hot(_round: int) -> float:
        return note(bench, "join_hot", await call(bench, await new_teams(bench.whole, home)))

    async def many_out(_round: int) -> float:
        return note(bench, "join_many_campaigns", await call(bench, many))

    variants = {"echo": echo, "spread": spread_out, "hot": hot, "many": many_out}
    await interleaved(bench.rounds, variants)
    bench.results.ratio("join_unary_to_echo", "join_spread", "echo")
    bench.results.ratio("join_hot_to_spread", "join_hot", "join_spread")
    bench.results.ratio("join_many_campaigns_to_spread", "join_many_campaigns", "join_spread")


async def spread_teams(bench: Bench) -> list[Team]:
    """Make 5,000 teams of one campaign."""
    [model] = await new_teams(bench.whole, await new_campaign(bench.whole))
    return [model, *await more_teams(bench.whole, model, SPREAD_TEAMS - 1)]


async def many_campaigns(bench: Bench) -> list[Team]:
    """Make 1,000 campaigns of 5 teams each."""
    teams = await new_teams(bench.whole, await new_campaign(bench.whole), TEAMS_EACH)
    return [*teams, *await more_campaigns(bench.whole, teams, CAMPAIGNS - 1)]


async def call(bench: Bench, teams: list[Team], address: str = "") -> Outcome:
    """Have 64 callers join teams in turn, in an order without a pattern."""
    names = [team.name for team in bench.shuffled(teams)]
    job = Job(address or bench.whole.service.address, JOIN, bench.whole.key, joins(names), bench.seconds)
    return await bench.whole.client.run(job, bench.whole.meter)


def note(bench: Bench, name: str, outcome: Outcome, service: str = "team_formation") -> float:
    """Note the rate of joins with what one cost each program."""
    bench.results.add(f"{name}_p99", outcome.latency["p99"] * 1000, "ms")
    for program in (service, "postgres", "kafka", "client"):
        spent = outcome.cpu[program] / outcome.calls * _MICRO
        bench.results.add(f"{name}_cpu_{program.replace(service, 'service')}", spent, "us/call")
    return bench.results.add(name, outcome.rate, "calls/s")
