"""How far live demand lags at the rate of bulk joins: from the commit of a tally until GetDemand shows it."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
from groupbuy.pricing.v1 import demand_pb2
from groupbuy.pricing.v1.pricing_service_pb2_grpc import PricingStub

from services.chassis import ids
from services.team_formation import translate
from tests.bench import commit_times
from tests.bench.bench import Bench
from tests.bench.consuming import PRICING, SPREAD_TEAMS, nothing_left, opened_teams, pricing_database, pricing_from_now
from tests.bench.errors import BenchError
from tests.bench.installation import Installation
from tests.bench.rounds import percentile
from tests.bench.seed import Team

WORKER = "demand"
CAMPAIGNS = 4
"""Joins are spread over so many, each of which has up to four tallies a second."""
LONGEST_SECONDS = 60.0
"""So long may the last tally take to show."""
_ASK_SECONDS = 0.05
_ANSWER_SECONDS = 10.0


async def run(bench: Bench) -> None:
    """Measure; pricing and the worker end as they were found."""
    whole = bench.whole
    async with pricing_from_now(whole) as looks, _worker(whole), _readers(whole) as ask:
        campaigns = [whole.campaign() for _ in range(CAMPAIGNS)]
        each = [await opened_teams(whole, name, SPREAD_TEAMS // CAMPAIGNS) for name in campaigns]
        teams = bench.shuffled([team for some in each for team in some])
        await _shown(ask, campaigns)
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}: demand beside bulk joins")
            await _round(bench, ask, teams)
            for some in each:
                await looks.until(some[0].campaign_id, nothing_left)


@asynccontextmanager
async def _worker(whole: Installation) -> AsyncIterator[None]:
    """Have the demand worker run until this ends."""
    await whole.run(WORKER, "services.pricing", WORKER)
    try:
        yield
    finally:
        await whole.end(WORKER)


class Ask:
    """Asks pricing for campaigns' demand as a platform does."""

    def __init__(self, stub: Any, key: str) -> None:
        self._stub = stub
        self._key = key

    async def __call__(self, campaign_id: str) -> int:
        """Give the last tally that is shown; 0 for none yet. BenchError where pricing does not answer."""
        request = demand_pb2.GetDemandRequest(campaign_id=campaign_id)
        try:
            said = await self._stub.GetDemand(
                request, metadata=(("authorization", f"Bearer {self._key}"),), timeout=_ANSWER_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return 0
            raise BenchError(f"GetDemand failed: {error.details()}") from error
        return int(said.demand.tally_seq)


@asynccontextmanager
async def _readers(whole: Installation) -> AsyncIterator[Ask]:
    async with grpc.aio.insecure_channel(whole.services[PRICING].address) as channel:
        yield Ask(PricingStub(channel), whole.key)


async def _shown(ask: Ask, campaigns: Sequence[str]) -> None:
    """Wait until every campaign's demand is shown."""
    ends = time.monotonic() + LONGEST_SECONDS
    while not all([await ask(name) for name in campaigns]):
        if time.monotonic() > ends:
            raise BenchError(f"Within {LONGEST_SECONDS:.0f} s no demand was shown.")
        await asyncio.sleep(_ASK_SECONDS)


async def _round(bench: Bench, ask: Ask, teams: Sequence[Team]) -> None:
    """Join while looks go on, and follow the tallies of that while until they show."""
    work = asyncio.create_task(bench.join_many(teams))
    campaigns = sorted({team.campaign_id for team in teams})
    found = await asyncio.gather(*[_follow(bench.whole, ask, campaign, work) for campaign in campaigns])
    bench.results.add("demand_bulk_join", (await work).rate, "a second")
    lags = [lag for lags in found for lag in lags]
    bench.results.add("demand_tallies", len(lags), "tallies")
    for share in (50, 99):
        bench.results.add(f"demand_lag_p{share}_s", percentile(lags, share / 100), "s")


async def _follow(whole: Installation, ask: Ask, campaign_id: UUID, work: "asyncio.Task[Any]") -> list[float]:
    """Give how long each tally that was recorded during the work took to show, in seconds."""
    name = ids.opaque(translate.CAMPAIGN, campaign_id)
    looks = [(time.time(), await ask(name))]
    while not work.done():
        looks.append(await _look(ask, name))
    tallies = await commit_times.tallied(pricing_database(whole), campaign_id, looks[0][1])
    ends = time.monotonic() + LONGEST_SECONDS
    while looks[-1][1] < max(tallies, default=0):
        if time.monotonic() > ends:
            raise BenchError(f"After {LONGEST_SECONDS:.0f} s tally {max(tallies)} of {name} does not show.")
        looks.append(await _look(ask, name))
    return lags(looks, tallies)


async def _look(ask: Ask, name: str) -> tuple[float, int]:
    await asyncio.sleep(_ASK_SECONDS)
    shown = await ask(name)
    return time.time(), shown


def lags(looks: Sequence[tuple[float, int]], tallies: Mapping[int, float]) -> list[float]:
    """Give the seconds from each tally's commit to the first look that saw it or a later one; all were seen."""
    shown = [seq for _, seq in looks]
    return [max(looks[bisect_left(shown, seq)][0] - at, 0.0) for seq, at in tallies.items()]
