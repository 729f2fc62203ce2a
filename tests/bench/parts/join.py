"""A join by itself, 64 callers: against the echo, on one team, and over many campaigns."""

from tests.bench.bench import Bench
from tests.bench.seed import Team, more_campaigns, new_teams

CAMPAIGNS, TEAMS_EACH = 1_000, 5


async def run(bench: Bench) -> None:
    """Measure."""
    spread, many = await bench.spread(), await many_campaigns(bench)

    async def echo(_round: int) -> float:
        return bench.note("echo", await bench.join(spread, bench.whole.services["echo"].address), echo=True)

    async def spread_out(_round: int) -> float:
        return bench.note("join_spread", await bench.join(spread))

    async def hot(_round: int) -> float:
        return bench.note("join_hot", await bench.join(await bench.hot()))

    async def many_out(_round: int) -> float:
        return bench.note("join_many_campaigns", await bench.join(many))

    await bench.interleaved({"echo": echo, "spread": spread_out, "hot": hot, "many campaigns": many_out})
    bench.results.ratio("join_unary_to_echo", "join_spread", "echo")
    bench.results.ratio("join_hot_to_spread", "join_hot", "join_spread")
    bench.results.ratio("join_many_campaigns_to_spread", "join_many_campaigns", "join_spread")


async def many_campaigns(bench: Bench) -> list[Team]:
    """Make 1,000 campaigns of 5 teams each."""
    teams = await new_teams(bench.whole, bench.whole.campaign(), TEAMS_EACH)
    return bench.shuffled([*teams, *await more_campaigns(bench.whole, teams, CAMPAIGNS - 1)])
