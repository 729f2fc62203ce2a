"""python -m tests.bench.pods [SECONDS]: CPU and memory of each part under a crowd, in a process of its own as in a pod.

Shoppers of one campaign come, pay or leave, and are told (tests/dashboard/load.py), and readers open a page; PostgreSQL
and the broker run beside, all on loopback. What each part used stands in docs/kubernetes.md beside what the manifests
give it.
"""

import asyncio
import dataclasses
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import click
import grpc
import psutil
from groupbuy.notification.v1.notification_service_pb2_grpc import NotificationStub
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.child import Child
from deploy.local.postgres import LocalPostgres
from deploy.local.sockets import free_port
from deploy.local.stack.brokers import broker_part
from deploy.local.stack.databases import prepare_databases
from deploy.local.stack.kept import Kept
from deploy.local.stack.layout import Layout
from deploy.local.stack.options import LOOPBACK, StackOptions
from deploy.local.stack.part import Program
from deploy.local.stack.platform import find_or_make_platform, wait_until_known
from deploy.local.stack.ports import DEFAULTS
from deploy.local.stack.services import Servers, python_program, service_part
from deploy.local.stack.topics import prepare_topics
from services.chassis.kafka_security import PLAINTEXT
from tests.bench.memory import peak_memory
from tests.dashboard.load import Crowd
from tools.manifest_rules import PARTS

OPS = "GROUPBUY_OPS_LISTEN"
LISTENERS = {"rpc": ("GROUPBUY_LISTEN", "GROUPBUY_HTTP_LISTEN"), "web": ("GROUPBUY_WEB_LISTEN",)}
"""Which part listens where others look for it; the rest gets any port."""
READERS = 24
PAUSE_SECONDS = 0.1
"""Between two pages of a reader."""


async def measure(seconds: float) -> None:
    """Run everything, and print what each part used."""
    with tempfile.TemporaryDirectory(prefix="groupbuy-pods-", ignore_cleanup_errors=True) as folder:
        ports = {listener: free_port() for listener in DEFAULTS}
        kept = Kept()
        async with running(Path(folder), kept, ports) as children:
            addresses = {name: f"{LOOPBACK}:{ports[name]}" for name in PARTS}
            _, key, *_ = await find_or_make_platform(addresses["team_formation"], kept.service_key, [])
            await wait_until_known(addresses["pricing"], addresses["notification"], key)
            idle = {name: psutil.Process(child.pid).memory_info().rss / 2**20 for name, child in children.items()}
            began = {name: _used(child) for name, child in children.items()}
            crowd = await _crowd(addresses, key)
            seen, _ = await asyncio.gather(visit(await crowd.invite(), seconds), crowd.shop(seconds))
            come = f"{crowd.came / seconds:.0f} shoppers and {seen / seconds:.0f} readers of a page a second"
            click.echo(f"{come}, for {seconds:.0f} s; CPU of one processor, MiB resident")
            for name, child in children.items():
                share = (_used(child) - began[name]) / seconds * 1000
                click.echo(f"{name:28} {share:5.0f}m  {idle[name]:4.0f} idle  {peak_memory(child.pid):4.0f} at most")


async def visit(page: str, seconds: float) -> int:
    """Have readers open a page again and again; gives how often."""
    ends = asyncio.get_running_loop().time() + seconds

    async def read(session: aiohttp.ClientSession) -> int:
        count = 0
        while asyncio.get_running_loop().time() < ends:
            async with session.get(page) as answer:
                answer.raise_for_status()
                await answer.read()
            count += 1
            await asyncio.sleep(PAUSE_SECONDS)
        return count

    async with aiohttp.ClientSession() as session:
        return sum(await asyncio.gather(*(read(session) for _ in range(READERS))))


async def _crowd(addresses: Mapping[str, str], key: str) -> Crowd:
    teams, messages = (grpc.aio.insecure_channel(addresses[name]) for name in ("team_formation", "notification"))
    crowd = Crowd(TeamFormationStub(teams), NotificationStub(messages), key)
    await crowd.begin()
    return crowd


def _used(child: Child) -> float:
    times = psutil.Process(child.pid).cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def running(folder: Path, kept: Kept, ports: Mapping[str, int]) -> AsyncIterator[dict[str, Child]]:
    """Start the servers and every part; their processes by service and part."""
    postgres = LocalPostgres(folder / "postgres", ports["postgres"])
    options = StackOptions(data=folder / "data")
    broker = broker_part(options, folder / "kafka", folder / "kafka.log", ports["kafka"])
    await postgres.start()
    kafka = await broker.start()
    started: dict[str, tuple[Program, Child]] = {}
    try:
        await asyncio.gather(prepare_databases(postgres.url), prepare_topics(broker.address, PLAINTEXT))
        servers = Servers(
            postgres.url, broker.address, kept.service_key, kept.invite_secret, ports, kept.quote_keys,
            kept.handover_keys, kept.seal_keys,
        )  # fmt: skip
        for program in programs(options, servers):
            started[program.name] = program, await program.start()
        yield {name: child for name, (_, child) in started.items()}
    finally:
        for program, child in started.values():
            await program.stop(child, hurry=True)
        await broker.stop(kafka, hurry=True)
        await postgres.stop()


def programs(options: StackOptions, servers: Servers) -> list[Program]:
    """Each part of each service as a program of its own."""
    layout = Layout.of(options)
    layout.make()
    made = []
    for service, parts in PARTS.items():
        whole = service_part(service, options, layout, servers)
        for part in sorted(parts):
            name, ops = f"{service} {part}", f"{LOOPBACK}:{free_port()}"
            known = {listener for others in LISTENERS.values() for listener in others} - {*LISTENERS.get(part, ())}
            elsewhere = {listener: f"{LOOPBACK}:{free_port()}" for listener in known}
            made.append(
                dataclasses.replace(
                    whole,
                    name=name,
                    probe=f"http://{ops}/healthz",
                    argv=python_program(f"services.{service}", part),
                    environment={
                        **whole.environment, **elsewhere, OPS: ops,
                        "GROUPBUY_LOG_LEVEL": "warning", "GROUPBUY_DEMAND_STORE": str(layout.demand),
                    },
                    log=layout.log(name.replace(" ", "-")),
                    start_seconds=120.0,
                )
            )  # fmt: skip
    return made


if __name__ == "__main__":
    asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 45.0))
