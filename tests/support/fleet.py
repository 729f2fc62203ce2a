"""Two replicas of each service on servers of their own, each of which can be replaced by another release's."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.child import Child
from deploy.local.postgres import LocalPostgres
from deploy.local.stack.brokers import broker_part
from deploy.local.stack.kept import Kept
from deploy.local.stack.layout import Layout
from deploy.local.stack.options import StackOptions
from deploy.local.stack.part import Program
from deploy.local.stack.platform import find_or_make_platform, wait_until_known
from deploy.local.stack.ports import DEFAULTS
from deploy.local.stack.services import SERVICES, Servers, service_part
from tests.support.releases import Release

REPLICAS = (0, 1)
_PLACES = [name for name in DEFAULTS if name not in {"postgres", "kafka", "demand.ops"}]
PORTS = 2 + len(REPLICAS) * len(_PLACES)


class Fleet:
    """The replicas by service and number; a service is called at both of its addresses."""

    def __init__(self, folder: Path, server_url: str, bootstrap: str, ports: list[dict[str, int]]) -> None:
        self.server_url = server_url
        self.bootstrap = bootstrap
        self._ports = ports
        self._options = StackOptions(data=folder / "data")
        self._layout = Layout.of(self._options)
        self._layout.make()
        self._kept = Kept()
        self._running: dict[tuple[str, int], tuple[Program, Child]] = {}
        self.key = ""

    def address(self, service: str, number: int = 0) -> str:
        """host:port of one replica."""
        return f"127.0.0.1:{self._ports[number][service]}"

    def target(self, service: str) -> str:
        """Both replicas, as gRPC wants them."""
        return f"ipv4:{','.join(self.address(service, number) for number in REPLICAS)}"

    def prepare_by(self, release: Release) -> None:
        """Have a release prepare the servers, as its own commands do."""
        where = {"GROUPBUY_DATABASE_URL": self.server_url, "GROUPBUY_KAFKA": self.bootstrap}
        for command in ("migrate", "topics"):
            release.run("deploy.cli", command, **where)

    async def start(self, release: Release) -> None:
        """Start every replica, and make a platform."""
        await asyncio.gather(*(self.place(service, number, release) for service in SERVICES for number in REPLICAS))
        _, self.key, *_ = await find_or_make_platform(self.address("team_formation"), self._kept.service_key, [])
        await wait_until_known(self.address("pricing"), self.address("notification"), self.key)

    async def place(self, service: str, number: int, release: Release) -> None:
        """Have a release's process in this place: the one before ends as an upgrade ends it, by SIGTERM."""
        await self._end(service, number)
        part = self._part(service, number, release)
        self._running[service, number] = part, await part.start()

    async def stop(self) -> None:
        """Stop every replica."""
        for service, number in list(self._running):
            await self._end(service, number)

    async def _end(self, service: str, number: int) -> None:
        part, child = self._running.pop((service, number), (None, None))
        if part and child:
            await part.stop(child, hurry=False)

    def _part(self, service: str, number: int, release: Release) -> Program:
        first, own = self._ports[0], self._ports[number]
        others = {name: port for name, port in first.items() if not name.startswith(service)}
        kept = self._kept
        servers = Servers(
            self.server_url,
            self.bootstrap,
            kept.service_key,
            kept.invite_secret,
            {**own, **others, "web": own["web"]},
            kept.quote_keys,
            kept.handover_keys,
            kept.seal_keys,
        )
        part = service_part(service, self._options, self._layout, servers)
        return dataclasses.replace(
            part,
            argv=release.argv(f"services.{service}"),
            environment={**part.environment, "PYTHONPATH": release.environment["PYTHONPATH"]},
            log=self._layout.log(f"{service}-{number}"),
            start_seconds=240.0,
        )


@asynccontextmanager
async def a_fleet(folder: Path, free_ports: Callable[[int], list[int]]) -> AsyncIterator[Fleet]:
    """Run PostgreSQL and a broker for a fleet; its replicas are not started."""
    postgres_port, kafka_port, *rest = free_ports(PORTS)
    server = LocalPostgres(folder / "postgres", postgres_port)
    broker = broker_part(StackOptions(data=folder), folder / "kafka", folder / "kafka.log", kafka_port)
    ports = [dict(zip(_PLACES, rest[at * len(_PLACES) :], strict=False)) for at in REPLICAS]
    await server.start()
    try:
        child = await broker.start()
        try:
            fleet = Fleet(folder, server.url, broker.address, ports)
            try:
                yield fleet
            finally:
                await fleet.stop()
        finally:
            await broker.stop(child, hurry=True)
    finally:
        await server.stop()
