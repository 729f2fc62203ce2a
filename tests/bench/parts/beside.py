"""Pricing beside joins at full rate: what it applies over what is joined: spread, one team, campaign basis."""

import asyncio
from collections.abc import Sequence

from tests.bench.bench import Bench
from tests.bench.campaign import a_campaign, of_campaign_basis
from tests.bench.consuming import SPREAD_TEAMS, Lookout, nothing_left, opened_teams, pricing_from_now
from tests.bench.seed import Team


async def run(bench: Bench) -> None:
    """Measure; pricing ends as it was found."""
    whole = bench.whole
    bench.say(f"{SPREAD_TEAMS} teams, {bench.seconds:g} s each")
    async with pricing_from_now(whole) as looks, whole.stub() as call:
        made = await call("CreateCampaign", of_campaign_basis(a_campaign()))
        single = whole.campaign()  # none that is older than pricing's place in the topic
        spread = await opened_teams(whole, whole.campaign(), SPREAD_TEAMS)
        counted = await opened_teams(whole, made.campaign.campaign_id, SPREAD_TEAMS)
        await _measure(bench, looks, {"spread": spread, "campaign": counted}, single)


async def _measure(bench: Bench, looks: Lookout, teams: dict[str, list[Team]], single: str) -> None:
    async def with_joins(name: str, chosen: Sequence[Team]) -> float:
        campaign = chosen[0].campaign_id
        await looks.until(campaign, nothing_left)
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
