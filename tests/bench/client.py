"""The client, a process of its own: `python -m tests.bench.client` reads one job a line and writes what came of it.

While a job runs it says `begin` and `end` on lines of their own, so that whoever measures the servers knows the window.
"""

import asyncio
import base64
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias

import uvloop
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from tests.bench import watching
from tests.bench.http1 import Http1, connect_http1
from tests.bench.http2 import Connection, connect
from tests.bench.http_requests import gets, slack_posts
from tests.bench.load import Load, closed_loop, open_loop, summary
from tests.bench.reading_pages import read_pages
from tests.bench.template import bundled, numbered

Work: TypeAlias = Callable[[dict[str, Any], Callable[[str], None]], Awaitable[dict[str, Any]]]


async def serve() -> None:
    """Do the jobs that come on standard input until it ends."""
    gc.disable()  # nothing here makes circles, and a collection would be a pause in somebody's latency
    reader = asyncio.StreamReader(limit=2**28)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        job = json.loads(line)
        say(await _KINDS[job["kind"]](job, say))
        gc.collect()


def say(what: dict[str, Any] | str) -> None:
    """Write one line for whoever gave the job."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def calls(job: dict[str, Any], tell: Any) -> dict[str, Any]:
    """Call a method for a while."""
    connections = [await _connected(job) for _ in range(job["connections"])]
    load = Load(connections, requests_of(job), keep_answers=bool(job["bundle"]), limited=job["limited"])
    try:
        driving = asyncio.create_task(drive(load, job))
        await asyncio.sleep(job["warm"])
        load.counting, began, worked = True, time.perf_counter(), time.process_time()
        tell("begin")
        await asyncio.sleep(job["seconds"])
        load.counting, ended, worked = False, time.perf_counter(), time.process_time() - worked
        tell("end")
        load.stopped = True
        await driving
        await load.finish()
    finally:
        for connection in connections:
            connection.close()
    for answer in load.answers:
        load.failures.update(refusals(answer))
    return outcome(load, ended - began, worked)


async def drive(load: Load, job: dict[str, Any]) -> None:
    """Make the calls of a job."""
    seconds = job["warm"] + job["seconds"]
    if job["kind"] == "open":
        await open_loop(load, job["rate"], seconds, regular=job["regular"], seed=job["seed"])
    else:
        await closed_loop(load, job["callers"], seconds)


async def _connected(job: dict[str, Any]) -> Connection | Http1:
    """Connect as a job asks: to the web edge, or to a method."""
    if job["http"]:
        return await connect_http1(job["address"])
    headers = [("authorization", f"Bearer {job['key']}"), ("grpc-timeout", "10S")]
    return await connect(job["address"], job["path"], headers)


def requests_of(job: dict[str, Any]) -> Iterator[bytes]:
    """Give the requests of a job, without end."""
    single = numbered([base64.b64decode(text) for text in job["templates"]])
    if job["slack_secret"]:
        return slack_posts(single, job["address"], job["path"], job["slack_secret"])
    if job["http"]:
        return gets(single, job["address"])
    return bundled(single, job["bundle"]) if job["bundle"] else single


def refusals(answer: bytes) -> Iterator[str]:
    """Give the reason of each join of a bundle that was refused."""
    for result in pb.JoinTeamsResponse.FromString(answer).results:
        if result.WhichOneof("result") != "joined":
            yield f"{result.refused.reason}: {result.refused.message}"


def outcome(load: Load, seconds: float, worked: float) -> dict[str, Any]:
    """Say what came of a job."""
    return {
        "calls": len(load.latencies),
        "answered": load.answered,
        "offered": len(load.late),
        "delivered": load.delivered,
        "refused": load.refused,
        "seconds": seconds,
        "cpu_seconds": worked,
        "latency": summary(load.latencies),
        "late": summary(load.late),
        "failures": dict(load.failures.most_common(5)),
    }


_KINDS: Mapping[str, Work] = {"watch": watching.watch, "pages": read_pages, "closed": calls, "open": calls}

if __name__ == "__main__":
    uvloop.run(serve())
