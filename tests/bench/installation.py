"""What is measured: a durable PostgreSQL, Apache Kafka and the services as in production, all from nothing."""

import asyncio
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from typing import Any

import grpc
import psycopg
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb2
from groupbuy.team_formation.v1.team_formation_internal_pb2_grpc import TeamFormationInternalStub
from groupbuy.team_formation.v1.team_formation_service_pb2_grpc import TeamFormationStub

from deploy.local.child import Child
from deploy.local.kafka import ApacheKafka, available
from deploy.local.postgres import LocalPostgres
from deploy.local.sockets import free_port
from deploy.local.stack.databases import prepare_databases
from deploy.local.stack.probe import probe
from deploy.local.stack.topics import prepare_topics
from services.chassis.database import database_url
from tests.bench.caller import Client
from tests.bench.campaign import a_campaign, a_join, a_team
from tests.bench.cpu import Meter, started_for
from tests.bench.errors import BenchError
from tests.bench.paths import BUILD, environment

SERVICE = "team_formation"
_START_SECONDS = 120.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Program:
    """A process of ours that answers gRPC."""

    child: Child
    address: str

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.child.pid

    async def stop(self) -> None:
        """End it in order."""
        await self.child.end(SIGTERM, _STOP_SECONDS)


@dataclass
class Installation:
    """A running installation with one platform; `service` is the team_formation that is measured."""

    folder: Path
    postgres: LocalPostgres
    kafka: ApacheKafka
    client: Client
    ports: Mapping[str, int]
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    key: str = ""
    platform_id: str = ""
    services: dict[str, Program] = field(default_factory=dict)
    campaigns: list[str] = field(default_factory=list)
    """Those that nothing was measured with yet; pricing, which is asked for each new one, has ended."""

    @property
    def home(self) -> str:
        """The campaign of teams that are opened while measuring."""
        return self.campaigns[0]

    def campaign(self) -> str:
        """Give a campaign of its own to whoever asks."""
        if len(self.campaigns) == 1:
            raise BenchError("There are too few campaigns for all parts: make more at the start.")
        return self.campaigns.pop()

    @property
    def service(self) -> Program:
        """The team_formation that answers RPCs."""
        return self.services[SERVICE]

    @property
    def database(self) -> str:
        """The address of team_formation's database."""
        return database_url(self.postgres.url, SERVICE)

    @property
    def meter(self) -> Meter:
        """CPU of all that runs now: `service` is every team_formation, the others go by name."""
        others = {name: [program.pid] for name, program in self.services.items() if not name.startswith(SERVICE)}
        ours = [program.pid for name, program in self.services.items() if name.startswith(SERVICE)]
        servers = {"postgres": [self.postgres.pid or 0], "kafka": [started_for(self.kafka.data)]}
        return Meter({"service": ours, **servers, **others}, families=("postgres",))

    async def run(self, name: str, module: str, *roles: str, **settings: str) -> Program:
        """Start one of our modules under a name and wait until it is ready; BenchError if it does not start."""
        own = {"LISTEN": f"127.0.0.1:{free_port()}", "OPS_LISTEN": f"127.0.0.1:{free_port()}", **settings}
        env = environment(**{f"GROUPBUY_{key}": value for key, value in {**self.settings(), **own}.items()})
        argv = [sys.executable, "-P", "-m", module, *roles]
        child = Child.start(argv, log=self.folder / f"{name}.log", env=env, cwd=self.folder)
        program = self.services[name] = Program(child, own["LISTEN"])
        await self._ready(name, child, f"http://{own['OPS_LISTEN']}/readyz")
        return program

    async def end(self, name: str) -> None:
        """End a program that `run` started."""
        await self.services.pop(name).stop()

    def settings(self) -> dict[str, str]:
        """Give what every program of ours is told, by the setting's name."""
        return {
            "DATABASE_URL": self.postgres.url,
            "KAFKA": self.kafka.bootstrap,
            "PRICING": f"127.0.0.1:{self.ports['pricing']}",
            "TEAM_FORMATION": f"127.0.0.1:{self.ports[SERVICE]}",
            "SERVICE_KEY": self.secret,
            "INVITE_SECRET": self.secret,
            "SEAL_KEYS": "bench:" + "A" * 43 + "=",
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "text",
        }

    async def _ready(self, name: str, child: Child, url: str) -> None:
        gives_up = asyncio.get_running_loop().time() + _START_SECONDS
        while not await probe(url, child.pid):
            if child.returncode is not None or asyncio.get_running_loop().time() > gives_up:
                raise BenchError(f"{name} did not start:\n" + "\n".join(child.log_tail()))
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[Any]:
        """Call the service as a platform does, by `await call(method, request)`; BenchError tells its log."""
        async with grpc.aio.insecure_channel(self.service.address) as channel:
            calls = TeamFormationStub(channel)

            async def call(method: str, request: Any) -> Any:
                metadata = (("authorization", f"Bearer {self.key}"),)
                try:
                    return await getattr(calls, method)(request, metadata=metadata, timeout=30)
                except grpc.aio.AioRpcError as error:
                    said = "\n".join(self.service.child.log_tail())
                    raise BenchError(f"{method} failed: {error.details()}\n{said}") from error

            yield call

    async def make_platform(self) -> None:
        """Make the platform whose key the benchmark uses."""
        async with grpc.aio.insecure_channel(self.service.address) as channel:
            metadata = (("authorization", f"Bearer {self.secret}"),)
            request = internal_pb2.CreatePlatformRequest(name="bench")
            made = await TeamFormationInternalStub(channel).CreatePlatform(request, metadata=metadata, timeout=30)
        self.key, self.platform_id = made.key, made.platform_id


@asynccontextmanager
async def installation(roles: Sequence[Sequence[str]], campaigns: int) -> AsyncIterator[Installation]:
    """Start everything, with one team_formation for each list of roles (none: all roles); the first has the RPCs.

    So many campaigns are made; then pricing ends, as in production it would not take this machine's time.
    """
    if reason := available():
        raise BenchError(reason)
    BUILD.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        # not in the system's temporary folder: that may be memory, where a commit costs nothing
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, kafka, client = LocalPostgres(folder / "postgres", 0), ApacheKafka(folder / "kafka"), Client()
        ports = {SERVICE: free_port(), "pricing": free_port()}
        for server in (postgres, kafka, client):
            stack.push_async_callback(server.stop)
        await asyncio.gather(_start(postgres), kafka.start(), client.start())
        await asyncio.gather(_durable(postgres.url), prepare_databases(postgres.url), prepare_topics(kafka.bootstrap))
        whole = Installation(folder, postgres, kafka, client, ports)
        stack.push_async_callback(_stop_all, whole)
        await start_services(whole, roles, campaigns)
        yield whole


async def start_services(whole: Installation, roles: Sequence[Sequence[str]], campaigns: int) -> None:
    """Start the team_formations and the echo, and make a platform and its campaigns."""
    await whole.run("pricing", "services.pricing", LISTEN=f"127.0.0.1:{whole.ports['pricing']}")
    for number, some in enumerate(roles):
        await whole.run(f"{SERVICE}{number or ''}", f"services.{SERVICE}", *some)
    await whole.make_platform()
    async with whole.stub() as call:
        made = [await call("CreateCampaign", a_campaign()) for _ in range(campaigns)]
        whole.campaigns += [answer.campaign.campaign_id for answer in made]
        team = (await call("OpenTeam", a_team(whole.home))).team.team_id
        answer = await call("JoinTeam", a_join(team))
    await whole.end("pricing")
    file = whole.folder / "answer"
    file.write_bytes(answer.SerializeToString())
    await whole.run("echo", "tests.bench.echo", str(file))


async def _stop_all(whole: Installation) -> None:
    for name in reversed(list(whole.services)):
        await whole.end(name)


async def _start(postgres: LocalPostgres) -> None:
    """Start PostgreSQL so that it keeps the time of each commit: what lies between two of them can be read from it."""
    await postgres.start()
    async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await postgres.stop()
    await postgres.start()


async def _durable(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            row = await (await connection.execute("SELECT current_setting(%s)", (name,))).fetchone()
            if row != ("on",):
                raise BenchError(f"PostgreSQL runs with {name} {row}; a durable one has it on.")
