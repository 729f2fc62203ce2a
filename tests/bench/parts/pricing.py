"""Pricing beside joins, pricing alone with a backlog, and the settlement of a large team, against bulk joins."""

import asyncio
from collections.abc import Callable, Sequence

import psutil

from tests.bench.backlog import until_empty
from tests.bench.bench import Bench
from tests.bench.campaign import a_campaign, of_campaign_basis
from tests.bench.consuming import (
    PRICING,
    Lookout,
    Place,
    forget_backlog,
    lookout,
    opened_teams,
    pricing_database,
    run_pricing,
)
from tests.bench.errors import BenchError
from tests.bench.seed import Team
from tests.bench.settling import settled

SPREAD_TEAMS = 500
SMALL, LARGE = 10_000, 100_000
"""Seats of the teams that are settled."""
_STARTED = 2_000
"""Events after which pricing's own start is over."""
_MIB = 1024 * 1024


async def run(bench: Bench) -> None:
    """Measure: beside joins, alone, settlement; pricing ends as it was found."""
    whole = bench.whole
    bench.say(f"{SPREAD_TEAMS} teams, {bench.seconds:g} s each; settlement of {SMALL:,} and {LARGE:,} seats")
    await until_empty(whole.database)
    await forget_backlog(whole)
    await run_pricing(whole)
    try:
        async with lookout(whole) as looks, whole.stub() as call:
            made = await call("CreateCampaign", of_campaign_basis(a_campaign()))
            single = whole.campaign()  # none that is older than pricing's place in the topic
            spread = await opened_teams(whole, whole.campaign(), SPREAD_TEAMS)
            counted = await opened_teams(whole, made.campaign.campaign_id, SPREAD_TEAMS)
            await _beside(bench, looks, {"spread": spread, "campaign": counted}, single)
            await _alone(bench, looks, spread)
            await _settle(bench, looks, single)
    finally:
        if PRICING in whole.services:
            await whole.end(PRICING)


async def _beside(bench: Bench, looks: Lookout, teams: dict[str, list[Team]], single: str) -> None:
    async def with_joins(name: str, chosen: Sequence[Team]) -> float:
        campaign = chosen[0].campaign_id
        await looks.until(campaign, _nothing_left)
        work = asyncio.create_task(bench.join(chosen))
        places = await looks.places(campaign, work)
        await work
        first, last = places[len(places) // 3], places[-1]
        bench.results.add(f"pricing_{name}_joined", (last.told - first.told) / (last.at - first.at), "a second")
        bench.results.add(f"pricing_{name}_backlog", last.backlog, "events")
        return bench.results.add(f"pricing_{name}", (last.applied - first.applied) / (last.at - first.at), "a second")

    async def spread(_round: int) -> float:
        return await with_joins("spread", teams["spread"])

    async def hot(_round: int) -> float:
        return await with_joins("hot", await opened_teams(bench.whole, single, 1))

    async def of_campaign(_round: int) -> float:
        return await with_joins("campaign", teams["campaign"])

    await bench.interleaved({"spread": spread, "hot": hot, "campaign": of_campaign})
    for name in ("spread", "hot", "campaign"):
        bench.results.ratio(f"pricing_with_joins_{name}", f"pricing_{name}", f"pricing_{name}_joined")


async def _alone(bench: Bench, looks: Lookout, teams: Sequence[Team]) -> None:
    """Join by the hundred while pricing does not run, then have it consume that alone."""
    campaign, whole = teams[0].campaign_id, bench.whole
    for number in range(bench.rounds):
        await looks.until(campaign, _nothing_left)
        await whole.end(PRICING)
        bench.say(f"round {number + 1} of {bench.rounds}: bulk joins, then pricing alone")
        before = await looks.look(campaign)
        bench.results.add("pricing_bulk_join", (await bench.join_many(teams)).rate, "a second")
        await until_empty(whole.database)
        await run_pricing(whole)
        began = await looks.until(campaign, _beyond(before.applied + _STARTED))
        if not began.backlog:
            raise BenchError("There was too little to consume: measure longer.")
        ended = await looks.until(campaign, _nothing_left)
        rate = (ended.applied - began.applied) / (ended.at - began.at)
        bench.results.add("pricing_alone", rate, "a second")
    bench.results.ratio("pricing_alone_to_bulk_join", "pricing_alone", "pricing_bulk_join")


async def _settle(bench: Bench, looks: Lookout, campaign: str) -> None:
    """Settle a small and a large team in each round, beside the rate of bulk joins of the same run."""
    for number in range(bench.rounds):
        bench.say(f"round {number + 1} of {bench.rounds}: settlement")
        small, large = await opened_teams(bench.whole, campaign, 2)
        await looks.until(small.campaign_id, _nothing_left)
        database, process = pricing_database(bench.whole), psutil.Process(bench.whole.services[PRICING].pid)
        bench.results.add("settlement_10k", await settled(database, small, SMALL), "s")
        resident = process.memory_info().rss
        seconds = bench.results.add("settlement_100k", await settled(database, large, LARGE), "s")
        grown = (process.memory_info().rss - resident) / _MIB
        bench.results.add("settlement_memory_growth", grown, "MiB")
        bench.results.add("settlement", LARGE / seconds, "a second")
    bench.results.ratio("settlement_to_bulk_join", "settlement", "pricing_bulk_join")
    bench.results.ratio("settlement_100k_to_10k", "settlement_100k", "settlement_10k")


def _beyond(applied: int) -> Callable[[Place], bool]:
    return lambda place: place.applied >= applied


def _nothing_left(place: Place) -> bool:
    return not place.backlog
