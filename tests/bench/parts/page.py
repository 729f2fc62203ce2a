"""A hot invite page against a Starlette "hello" on the same server, and while the team changes ten times a second."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateInviteRequest

from deploy.local.sockets import free_port
from tests.bench.bench import Bench
from tests.bench.caller import Job, Outcome
from tests.bench.campaign import a_join
from tests.bench.rounds import Variant
from tests.bench.seed import new_teams

WEB, HELLO = "web", "hello"
CALLERS = 32
CHANGES_A_SECOND = 10


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    [team] = await new_teams(whole, whole.campaign())
    async with whole.stub() as call:
        asked = CreateInviteRequest(request_id="page", team_id=team.name, promoter_id="kol", channel="wechat")
        code = (await call("CreateInvite", asked)).invite.code
    pages, hellos = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    await whole.run(WEB, "services.team_formation", "web", WEB_LISTEN=pages)
    await whole.run(HELLO, "tests.bench.hello", WEB_LISTEN=hellos)
    path = f"/i/{code}".encode()

    def variant(name: str, address: str, *, changing: bool = False) -> Variant:
        async def measured(_round: int) -> float:
            async with _changing(bench, team.name) if changing else contextlib.nullcontext():
                outcome = await whole.client.run(_job(bench, address, path), whole.meter)
            return _note(bench, name, outcome)

        return measured

    try:
        await bench.interleaved(
            {
                "hello": variant("hello", hellos),
                "page": variant("page", pages),
                "a page that changes": variant("page_changing", pages, changing=True),
            }
        )
    finally:
        for name in (WEB, HELLO):
            await whole.end(name)
    bench.results.ratio("page_to_hello", "page_rate", "hello_rate")
    bench.results.ratio("page_changing_p99_to_hello", "page_changing_p99", "hello_p99")


def _job(bench: Bench, address: str, path: bytes) -> Job:
    return Job(address, "GET", "", [path], bench.seconds, callers=CALLERS, connections=CALLERS, http=True)


def _note(bench: Bench, name: str, outcome: Outcome) -> float:
    bench.results.add(f"{name}_p99", outcome.latency["p99"] * 1000, "ms")
    return bench.results.add(f"{name}_rate", outcome.rate, "a second")


@contextlib.asynccontextmanager
async def _changing(bench: Bench, team: str) -> AsyncIterator[None]:
    """Have somebody join a team ten times a second."""

    async def join() -> None:
        async with bench.whole.stub() as call:
            while True:
                await asyncio.gather(call("JoinTeam", a_join(team)), asyncio.sleep(1 / CHANGES_A_SECOND))

    joining = asyncio.create_task(join())
    try:
        yield
    finally:
        joining.cancel()
        await asyncio.wait([joining])
