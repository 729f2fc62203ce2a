"""The whole engine on one machine, as one object: start, addresses, kill a part, stop."""

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from deploy.local.errors import LocalError
from deploy.local.lock import FolderLock
from deploy.local.postgres import LocalPostgres
from deploy.local.sockets import is_free
from deploy.local.stack.brokers import broker_part
from deploy.local.stack.kept import Kept
from deploy.local.stack.layout import Layout, lock_path, run_path
from deploy.local.stack.logs import keep_small
from deploy.local.stack.options import StackOptions
from deploy.local.stack.part import Postgres
from deploy.local.stack.ports import choose_ports
from deploy.local.stack.run import Run, RunningPart, end_leftovers
from deploy.local.stack.services import SERVICES, Servers, demand_part, public_url, service_address, service_part
from deploy.local.stack.supervisor import Supervisor, together

_Result = TypeVar("_Result")


class Stack:
    """PostgreSQL, a broker and the services. Parts are `postgres`, `kafka` and the services' names.

    A part that dies is started again; `say` is told, and whatever else a user should know. `steps` holds the seconds
    of each step of the start. `start` raises LocalError, and then has stopped what it had started.
    """

    def __init__(self, options: StackOptions, say: Callable[[str], None] = lambda _: None) -> None:
        self.options = options.checked()
        self.layout = Layout.of(options)
        self.steps: dict[str, float] = {}
        self._say = say
        self._kept = Kept()
        self._ports: dict[str, int] = {}
        self._external: list[RunningPart] = []
        self._database_url = options.database_url or ""
        self._bootstrap = options.bootstrap or ""
        self._ready_seconds: float | None = None
        self._lock = FolderLock(lock_path(self.layout.data))
        self._supervisor = Supervisor(say=say, changed=self._write_run, max_deaths=options.max_deaths)
        self._janitor: asyncio.Task[None] | None = None

    @property
    def key(self) -> str:
        """The demo platform's API key."""
        return self._kept.platforms[self.layout.world][1]

    @property
    def platform_id(self) -> str:
        """The demo platform's id."""
        return self._kept.platforms[self.layout.world][0]

    @property
    def service_key(self) -> str:
        """The secret of the services' own calls."""
        return self.options.environment.get("GROUPBUY_SERVICE_KEY") or self._kept.service_key

    @property
    def invite_secret(self) -> str:
        """The secret that invite codes are derived from."""
        return self.options.environment.get("GROUPBUY_INVITE_SECRET") or self._kept.invite_secret

    @property
    def quote_keys(self) -> str:
        """The keys that sign quotes."""
        return self.options.environment.get("GROUPBUY_QUOTE_KEYS") or self._kept.quote_keys

    @property
    def handover_keys(self) -> str:
        """The keys that sign hand-over tokens."""
        return self.options.environment.get("GROUPBUY_HANDOVER_KEYS") or self._kept.handover_keys

    @property
    def seal_keys(self) -> str:
        """The keys that seal platforms' secrets."""
        return self.options.environment.get("GROUPBUY_SEAL_KEYS") or self._kept.seal_keys

    @property
    def database_url(self) -> str:
        """The PostgreSQL server's address with user and password."""
        return self._database_url

    @property
    def bootstrap(self) -> str:
        """Kafka's bootstrap servers."""
        return self._bootstrap

    @property
    def ready_seconds(self) -> float | None:
        """How long the start took, None before it is done."""
        return self._ready_seconds

    def parts(self) -> list[RunningPart]:
        """Every part as it is now, in the order of starting."""
        return [*self._external, *self._supervisor.notes()]

    def address(self, part: str) -> str:
        """host:port of a part: gRPC for a service."""
        return next(known.address for known in self.parts() if known.name == part)

    def ops_address(self, service: str) -> str:
        """host:port of a service's health and metrics."""
        return f"127.0.0.1:{self._ports[f'{service}.ops']}"

    def http_url(self, service: str) -> str:
        """Where a service's calls are posted to as JSON."""
        return f"http://{service_address(f'{service}.http', self.options.host, self._ports)}"

    @property
    def public_url(self) -> str:
        """What invite links begin with."""
        return public_url(self.options, self._ports)

    def pid(self, part: str) -> int | None:
        """The process id of a part, None if it does not run here."""
        return next(known.pid for known in self.parts() if known.name == part)

    def kill(self, part: str) -> None:
        """End a part by kill -9; it comes back by itself: await wait_ready(part)."""
        self._supervisor.keepers[part].kill()

    async def halt(self, part: str) -> None:
        """Stop a part in order and leave it down until `resume`."""
        await self._supervisor.keepers[part].stop()

    async def resume(self, part: str) -> None:
        """Start a part that was halted; returns when it is well."""
        await self._supervisor.keepers[part].start()

    async def wait_ready(self, part: str) -> None:
        """Wait until a part is well."""
        await self._supervisor.keepers[part].ready.wait()

    async def failure(self) -> LocalError:
        """Wait until a part died too often to go on, and give the reason; the stack is then to be stopped."""
        return await self._supervisor.failure()

    async def start(self) -> None:
        """Start everything and return when it is ready."""
        began = monotonic()
        self._take_data()
        try:
            await self._start_parts()
        except BaseException:
            await self.stop()
            raise
        self._ready_seconds = monotonic() - began
        self._write_run()
        self._janitor = asyncio.create_task(keep_small(self.layout.data), name="keep logs small")

    async def stop(self, *, hurry: bool = False) -> None:
        """Stop everything in reverse order; in a hurry by kill -9. May be called again while it runs, to hurry it."""
        if self._janitor is not None:
            self._janitor.cancel()
        await self._supervisor.stop(hurry=hurry)
        if not self._lock.held:
            return
        run_path(self.layout.data).unlink(missing_ok=True)
        self._lock.release()

    def _take_data(self) -> None:
        data = self.layout.data
        self.layout.make()
        if not self._lock.acquire():
            raise LocalError(
                f"A stack runs on {data} already (process {self._lock.holder()}).",
                "See groupbuy status; stop it with groupbuy down, or choose another folder with --data DIR.",
            )
        if (last := Run.load(run_path(data))) and (ended := end_leftovers(last.parts)):
            self._say(f"ended what an earlier stack left behind: {', '.join(ended)}")
        self._write_run()

    async def _start_parts(self) -> None:
        self._choose_ports()
        await together(self._start_database(), self._start_kafka())
        servers = Servers(
            self._database_url,
            self._bootstrap,
            self.service_key,
            self.invite_secret,
            self._ports,
            self.quote_keys,
            self.handover_keys,
            self.seal_keys,
        )
        parts = [service_part(name, self.options, self.layout, servers) for name in SERVICES]
        if self.options.demand:
            parts.append(demand_part(self.options, self.layout, servers))
        await self._step("services", self._supervisor.start(*parts))
        await self._step("demo platform", self._find_platform())

    def _choose_ports(self) -> None:
        self._kept = Kept.load(self.layout.kept)
        choice = choose_ports(self.options.ports, self._kept.ports, is_free)
        for sentence in choice.moved:
            self._say(sentence)
        self._ports = choice.ports
        self._keep(ports=choice.ports)

    async def _start_database(self) -> None:
        # imported here: `groupbuy status` needs no database driver
        from deploy.local.stack.databases import prepare_databases  # noqa: PLC0415

        if self._database_url:
            self._use("postgres", self._database_url.rpartition("@")[2].removeprefix("postgresql://").partition("/")[0])
        else:
            log = self.layout.log("postgres")
            server = LocalPostgres(self.layout.postgres, self._ports["postgres"], log=log)
            await self._step("postgres", self._supervisor.start(Postgres(server)))
            self._database_url = server.url
        await self._step("migrations", prepare_databases(self._database_url))

    async def _start_kafka(self) -> None:
        from deploy.channels import kafka_security  # noqa: PLC0415
        from deploy.local.stack.topics import prepare_topics, reachable  # noqa: PLC0415
        from services.chassis.kafka_security import PLAINTEXT  # noqa: PLC0415

        security = PLAINTEXT
        if self._bootstrap:
            security = kafka_security(self.options.environment)
            self._use("kafka", await reachable(self._bootstrap))
        else:
            part = broker_part(self.options, self.layout.kafka, self.layout.log("kafka"), self._ports["kafka"])
            await self._step("kafka", self._supervisor.start(part))
            self._bootstrap = part.address
        await self._step("topics", prepare_topics(self._bootstrap, security))

    async def _find_platform(self) -> None:
        from deploy.local.stack.platform import find_or_make_platform, wait_until_known  # noqa: PLC0415

        world, known = self.layout.world, self._kept.platforms
        address = self.address("team_formation")
        found = await find_or_make_platform(address, self.service_key, known.get(world, []))
        self._keep(platforms={**known, world: found})
        await wait_until_known(self.address("pricing"), self.address("notification"), self.key)

    def _use(self, name: str, address: str) -> None:
        """Note a server that somebody else runs."""
        self._external.append(RunningPart(name, address, f"tcp://{address}", ours=False))

    async def _step(self, name: str, work: Awaitable[_Result]) -> _Result:
        began = monotonic()
        result = await work
        self.steps[name] = monotonic() - began
        return result

    def _keep(self, **changes: object) -> None:
        self._kept = dataclasses.replace(self._kept, **changes)  # type: ignore[arg-type]  # names and types are Kept's own
        self._kept.save(self.layout.kept)  # unchanged too: an older file lacks secrets that were made just now

    def _write_run(self) -> None:
        run = Run(
            os.getpid(),
            self.parts(),
            self._ready_seconds,
            database_url=self._database_url,
            bootstrap=self._bootstrap,
        )
        run.save(run_path(self.layout.data))
