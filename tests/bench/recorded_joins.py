"""What recording costs a join: `python -m tests.bench.recorded_joins [ROUNDS]`, CPU of one process, side by side.

Joins pass the gate into batches of up to 64 and a real PostgreSQL; gRPC and other processes are left out, and CPU is
counted rather than time, so that it can be measured on a machine that others use. Each figure is the least of a round.
"""

import asyncio
import gc
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import uvloop

from deploy.local.postgres import LocalPostgres
from services.chassis.clock import ManualClock
from services.chassis.gate import Gate
from services.chassis.platforms import KeyRing
from services.chassis.span_export import Traces
from services.chassis.trace_settings import TraceSettings
from tests.bench.paths import environment
from tests.support.database import DatabaseServer
from tests.support.engine import KEY, know_the_platforms
from tests.support.formation import START, Formation, a_campaign, a_formation

SHARES = {"off": None, "0": 0.0, "0.01": 0.01, "1": 1.0}
"""Of the traces that are recorded; None: there is no receiver."""
CALLERS, EACH, WINDOWS, TEAMS = 64, 12, 4, 20
_METHOD = "/groupbuy.team_formation.v1.TeamFormation/JoinTeam"
_EXPORT = "opentelemetry.proto.collector.trace.v1.TraceService"
_MICRO = 1e6


class _Call:
    """What a call has, as the gate sees it."""

    def invocation_metadata(self) -> Any:
        return (("authorization", f"Bearer {KEY}"),)

    def time_remaining(self) -> None:
        return None


async def measured(url: str, receiver: str, share: str) -> float:
    """Join, and give the CPU of a join in microseconds."""
    ratio = SHARES[share]
    if ratio is not None:
        traces = Traces("team_formation", TraceSettings(traces_endpoint=receiver, traces_ratio=ratio))
        await traces.start()
    clock = ManualClock(START)
    async with a_formation(url, clock) as formation:
        await know_the_platforms(formation.database, clock)
        join = await _joining(formation, Gate(KeyRing(formation.database, clock), "unused", 30.0))
        await _window(join, 5)
        return min([await _window(join, EACH) for _ in range(WINDOWS)])


async def _joining(formation: Formation, gate: Gate) -> Any:
    campaign = await formation.create(a_campaign(maximum=100_000))
    teams = [(await formation.open(campaign, f"leader-{number}")).team.team_id for number in range(TEAMS)]
    numbers = itertools.count()

    async def answer(_request: Any, _context: Any) -> Any:
        number = next(numbers)
        return await formation.join(teams[number % TEAMS], f"member-{number}")

    return gate.wrap(_METHOD, grpc.unary_unary_rpc_method_handler(answer)).unary_unary


async def _window(join: Any, each: int) -> float:
    async def caller() -> None:
        for _ in range(each):
            await asyncio.create_task(join(b"a request", _Call()))

    gc.collect()
    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return (time.process_time() - began) / (CALLERS * each) * _MICRO


@asynccontextmanager
async def a_receiver() -> AsyncIterator[str]:
    """Take spans without a look at them; gives the address."""

    async def taken(_request: bytes, _context: Any) -> bytes:
        return b""

    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler(_EXPORT, {"Export": grpc.unary_unary_rpc_method_handler(taken)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def _rounds(count: int) -> dict[str, list[float]]:
    """Measure every share in every round, each in a process of its own, every second round backwards."""
    found: dict[str, list[float]] = {share: [] for share in SHARES}
    with tempfile.TemporaryDirectory(prefix="groupbuy-bench-") as folder:
        postgres = LocalPostgres(Path(folder), 0, durable=False)
        await postgres.start()
        server = DatabaseServer(postgres.url)
        async with a_receiver() as receiver:
            for number in range(count):
                for share in list(SHARES)[:: 1 if number % 2 == 0 else -1]:
                    url = server.database_url(await server.create(await server.template("team_formation")))
                    found[share].append(float(await _apart(url, receiver, share)))
        server.close()
        await postgres.stop()
    return found


async def _apart(*words: str) -> str:
    argv = [sys.executable, "-m", "tests.bench.recorded_joins", *words]
    process = await asyncio.create_subprocess_exec(*argv, env=environment(), stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


def main() -> None:
    """Measure one share, or all of them side by side."""
    if sys.argv[2:]:  # address, receiver, share: one of the processes
        sys.stdout.write(f"{uvloop.run(measured(*sys.argv[1:]))}\n")
        return
    found = uvloop.run(_rounds(int(sys.argv[1]) if sys.argv[1:] else 3))
    lines = ["share    CPU of a join, us: median (rounds), over off"]
    for share, rounds in found.items():
        ratios = [one / off for one, off in zip(rounds, found["off"], strict=True)]
        said = " ".join(f"{one:.0f}" for one in rounds)
        lines.append(f"{share:<6} {median(rounds):7.0f}  ({said})  {median(ratios):.2f}")
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
