"""What a quiet platform notices of another that floods: what it gets, and how long that takes against alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import grpc
from groupbuy.chassis.v1 import quotas_pb2
from groupbuy.chassis.v1.quotas_pb2_grpc import QuotasStub
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb2
from groupbuy.team_formation.v1.events_pb2 import PlatformLimits
from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub

from tests.bench.backlog import until_empty
from tests.bench.bench import CALLERS, Bench
from tests.bench.caller import Client, Job, Outcome
from tests.bench.campaign import JOIN, a_campaign, joins
from tests.bench.installation import Installation
from tests.bench.seed import Team, more_teams, new_teams
from tests.support.until import until

QUIET = 0.2
"""Of what the service can do: what the quiet platform offers."""
LIMIT = 0.25
"""Of what the service can do: the limit of the platform that floods."""
FLOOD, FLOOD_CONNECTIONS = 3, 32
"""So many times its limit does it offer, over so many connections."""
FLOOD_TEAMS = 1_000
LONGER = 2
"""So many times the usual length: a p99 is made of the slowest hundredth."""
_LEAD_SECONDS = 1.0


async def run(bench: Bench) -> None:
    """Have a quiet platform's members arrive by chance, alone and beside a flood, in each round."""
    spread = await bench.spread()
    async with _another(bench.whole) as (flooding, teams, client):
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}: maximum")
            maximum = (await bench.join(spread)).rate
            quiet = _quiet(bench, spread, maximum * QUIET)
            bench.say("a quiet platform alone")
            await until_empty(bench.whole.database)
            alone = await bench.whole.client.run(quiet, bench.whole.meter)
            bench.say("beside a flood")
            limit = max(1, round(maximum * LIMIT))
            await _limited(flooding, limit)
            flood = _flooding(flooding, teams, limit * FLOOD, quiet.seconds + quiet.warm)
            beside, flooded = await _together(bench, client, quiet, flood)
            _note(bench, maximum, limit, {"alone": alone, "beside": beside, "flood": flooded})
        await _limited(flooding, 0)
    bench.results.ratio("flood_delivered", "quiet_delivered", "quiet_offered")
    bench.results.ratio("flood_p99", "quiet_beside_p99", "quiet_alone_p99")


def _quiet(bench: Bench, teams: Sequence[Team], rate: float) -> Job:
    whole, seconds = bench.whole, bench.seconds * LONGER
    job = Job(whole.service.address, JOIN, whole.key, joins([team.name for team in teams]), seconds)
    return replace(job, kind="open", rate=rate)


def _flooding(flooding: Installation, teams: Sequence[Team], rate: float, seconds: float) -> Job:
    """Make a flood that begins before the quiet platform is measured and ends after it."""
    job = Job(flooding.service.address, JOIN, flooding.key, joins([team.name for team in teams]), seconds)
    more = {"rate": rate, "connections": FLOOD_CONNECTIONS, "callers": CALLERS, "seed": 2, "limited": True}
    return replace(job, kind="open", warm=_LEAD_SECONDS, **more)  # type: ignore[arg-type]  # each has its type


async def _together(bench: Bench, client: Client, quiet: Job, flood: Job) -> tuple[Outcome, Outcome]:
    """Begin the flood, then the quiet platform's calls; both end on their own."""
    under_way = asyncio.create_task(client.run(flood, bench.whole.meter))
    await asyncio.sleep(_LEAD_SECONDS)
    return await bench.whole.client.run(quiet, bench.whole.meter), await under_way


def _note(bench: Bench, maximum: float, limit: int, outcomes: dict[str, Outcome]) -> None:
    add, beside, flood = bench.results.add, outcomes["beside"], outcomes["flood"]
    add("flood_maximum", maximum, "a second")
    add("flood_limit", limit, "a second")
    add("flood_offered", flood.offered / flood.seconds, "a second")
    add("flood_accepted", flood.calls / flood.seconds, "a second")
    add("flood_refused", flood.refused / flood.seconds, "a second")
    add("quiet_offered", beside.offered / beside.seconds, "a second")
    add("quiet_delivered", beside.delivered / beside.seconds, "a second")
    add("flood_cpu_elsewhere", beside.elsewhere / beside.seconds * 1000, "ms/s")
    for name in ("alone", "beside"):
        for share in ("p50", "p99"):
            add(f"quiet_{name}_{share}", outcomes[name].latency[share] * 1000, "ms")
        add(f"quiet_{name}_client_late_p99", outcomes[name].late["p99"] * 1000, "ms")


@asynccontextmanager
async def _another(whole: Installation) -> AsyncIterator[tuple[Installation, Sequence[Team], Client]]:
    """Make a platform with teams of its own; gives the installation as it sees it, and a client of its own."""
    await whole.run("pricing", "services.pricing", LISTEN=f"127.0.0.1:{whole.ports['pricing']}")
    async with grpc.aio.insecure_channel(whole.service.address) as channel:
        request = internal_pb2.CreatePlatformRequest(name="flood")
        made = await _operators(channel).CreatePlatform(request, metadata=_operator(whole), timeout=30)
    flooding = replace(whole, key=made.key, platform_id=made.platform_id)
    async with flooding.stub() as call:
        campaign = (await call("CreateCampaign", a_campaign())).campaign.campaign_id
    await whole.end("pricing")
    [model] = await new_teams(flooding, campaign)
    client = Client()
    await client.start()
    try:
        yield flooding, [model, *await more_teams(flooding, model, FLOOD_TEAMS - 1)], client
    finally:
        await client.stop()


async def _limited(flooding: Installation, limit: int) -> None:
    """Set the flood's limit, 0 for the default, and wait until the service follows it."""
    async with grpc.aio.insecure_channel(flooding.service.address) as channel:
        request = internal_pb2.SetPlatformLimitsRequest(platform_id=flooding.platform_id)
        if limit:
            request.limits.MergeFrom(PlatformLimits(requests_per_second=limit))
        else:
            request.reset.append("requests_per_second")
        await _operators(channel).SetPlatformLimits(request, metadata=_operator(flooding), timeout=30)
        if limit:
            await until(lambda: _is_allowed(channel, flooding.key, limit))


async def _is_allowed(channel: grpc.aio.Channel, key: str, limit: int) -> bool:
    stub: Any = QuotasStub(channel)
    metadata = (("authorization", f"Bearer {key}"),)
    told = await stub.GetQuotas(quotas_pb2.GetQuotasRequest(), metadata=metadata, timeout=30)
    return any((quota.limit, quota.allowed) == ("requests_per_second", limit) for quota in told.quotas)


def _operators(channel: grpc.aio.Channel) -> Any:
    return TeamFormationInternalStub(channel)


def _operator(whole: Installation) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {whole.secret}"),)
