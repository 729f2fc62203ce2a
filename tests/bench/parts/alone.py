"""Pricing alone with a backlog, and the settlement of a large team, both against bulk joins."""

from collections.abc import Sequence

import psutil

from tests.bench.backlog import until_empty
from tests.bench.bench import Bench
from tests.bench.consuming import (
    PRICING,
    SPREAD_TEAMS,
    Lookout,
    consumed_alone,
    nothing_left,
    opened_teams,
    pricing_database,
    pricing_from_now,
)
from tests.bench.seed import Team
from tests.bench.settling import settled

SMALL, LARGE = 10_000, 100_000
"""Seats of the teams that are settled."""
_MIB = 1024 * 1024


async def run(bench: Bench) -> None:
    """Measure; pricing ends as it was found."""
    whole = bench.whole
    bench.say(f"{SPREAD_TEAMS} teams, {bench.seconds:g} s each; settlement of {SMALL:,} and {LARGE:,} seats")
    async with pricing_from_now(whole) as looks:
        single = whole.campaign()  # none that is older than pricing's place in the topic
        await _alone(bench, looks, await opened_teams(whole, whole.campaign(), SPREAD_TEAMS))
        await _settle(bench, looks, single)


async def _alone(bench: Bench, looks: Lookout, teams: Sequence[Team]) -> None:
    """Join by the hundred while pricing does not run, then have it consume that alone."""
    campaign, whole = teams[0].campaign_id, bench.whole
    for number in range(bench.rounds):
        await looks.until(campaign, nothing_left)
        await whole.end(PRICING)
        bench.say(f"round {number + 1} of {bench.rounds}: bulk joins, then pricing alone")
        before = await looks.look(campaign)
        bench.results.add("pricing_bulk_join", (await bench.join_many(teams)).rate, "a second")
        await until_empty(whole.database)
        bench.results.add("pricing_alone", await consumed_alone(whole, looks, before, campaign), "a second")
    bench.results.ratio("pricing_alone_to_bulk_join", "pricing_alone", "pricing_bulk_join")


async def _settle(bench: Bench, looks: Lookout, campaign: str) -> None:
    """Settle a small and a large team in each round, beside the rate of bulk joins of the same run."""
    for number in range(bench.rounds):
        bench.say(f"round {number + 1} of {bench.rounds}: settlement")
        small, large = await opened_teams(bench.whole, campaign, 2)
        await looks.until(small.campaign_id, nothing_left)
        database, process = pricing_database(bench.whole), psutil.Process(bench.whole.services[PRICING].pid)
        bench.results.add("settlement_10k", await settled(database, small, SMALL), "s")
        resident = process.memory_info().rss
        seconds = bench.results.add("settlement_100k", await settled(database, large, LARGE), "s")
        grown = (process.memory_info().rss - resident) / _MIB
        bench.results.add("settlement_memory_growth", grown, "MiB")
        bench.results.add("settlement", LARGE / seconds, "a second")
    bench.results.ratio("settlement_to_bulk_join", "settlement", "pricing_bulk_join")
    bench.results.ratio("settlement_100k_to_10k", "settlement_100k", "settlement_10k")
