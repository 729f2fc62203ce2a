"""5,000 readers of one page on one process while its team changes fifty times a second."""

import psutil
from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateInviteRequest

from deploy.local.sockets import free_port
from tests.bench.bench import Bench
from tests.bench.reading_pages import PageJob
from tests.bench.seed import new_teams

WEB = "web_readers"
READERS, CHANGES_A_SECOND = 5_000, 50


async def run(bench: Bench) -> None:
    """Measure."""
    whole = bench.whole
    [team] = await new_teams(whole, whole.campaign())
    async with whole.stub() as call:
        asked = CreateInviteRequest(request_id="readers", team_id=team.name, promoter_id="kol", channel="wechat")
        code = (await call("CreateInvite", asked)).invite.code
    address = f"127.0.0.1:{free_port()}"
    service = await whole.run(WEB, "services.team_formation", "web", WEB_LISTEN=address)
    job = PageJob(
        address,
        f"/i/{code}/events",
        whole.service.address,
        whole.key,
        team.name,
        READERS,
        CHANGES_A_SECOND,
        bench.seconds,
        bench.rounds,
    )
    process = psutil.Process(service.pid)
    resident = [process.memory_info().rss]

    def heard(event: str) -> None:
        bench.say(f"{READERS:,} readers of a page: {event}")
        resident.append(process.memory_info().rss)

    try:
        rounds, cpu = await whole.client.read_pages(job, whole.meter, heard)
    finally:
        await whole.end(WEB)
    bench.results.add("sse_kib_per_reader", (resident[1] - resident[0]) / READERS / 1024, "KiB")
    bench.results.add("sse_kib_per_reader_at_the_end", (resident[-1] - resident[0]) / READERS / 1024, "KiB")
    for measured in rounds:
        bench.results.add("sse_last_state", measured["last"], "s")
        bench.results.add("sse_events", measured["arrivals"], "a second")
        bench.results.add("sse_changes", measured["changes"], "a second")
    for program in (WEB, "client", "postgres"):
        bench.results.add(f"sse_cpu_{program}", cpu[program] / bench.rounds / bench.seconds * 1000, "ms/s")
