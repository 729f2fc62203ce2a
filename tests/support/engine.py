"""The three services on a database each, their RPCs on free ports, without Kafka: events are carried by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc
from groupbuy.chassis.v1 import (
    audit_internal_pb2,
    audit_internal_pb2_grpc,
    export_pb2,
    export_pb2_grpc,
    parked_internal_pb2,
    quotas_pb2,
    standing_internal_pb2,
)
from groupbuy.notification.v1 import notification_internal_pb2, notification_service_pb2
from groupbuy.pricing.v1 import (
    pricing_internal_pb2,
    pricing_internal_pb2_grpc,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
)
from groupbuy.team_formation.v1 import (
    team_formation_internal_pb2,
    team_formation_internal_pb2_grpc,
    team_formation_service_pb2,
    team_formation_service_pb2_grpc,
)

from services.chassis import audited, exporting, parked, platforms, quotas, standing
from services.chassis.clock import ManualClock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.chassis.inbox import Inbox
from services.chassis.limit_rows import LimitReader
from services.chassis.limits import Limiter
from services.chassis.messages import Message, Record, headers
from services.chassis.platforms import Key, KeyRing, Platform, hash_secret, on_platform_events, save_platforms
from services.chassis.refusing import refusing
from services.chassis.relay import RelaySession
from services.chassis.server import GrpcServer, Servicer
from services.notification.channels import Http
from services.notification.contacts import Contacts
from services.notification.handlers import MemberWriter
from services.notification.handlers.erasing import member_eraser
from services.notification.handlers.exporting import held
from services.notification.handlers.pace import PACE as NOTIFICATION_PACE
from services.notification.rpc import internal_servicer, servicer
from services.pricing.handlers import DeliveryWriter, QuoteWriter, ReportWriter, SettlementStream
from services.pricing.handlers import member_eraser as pricing_eraser
from services.pricing.rpc import DemandReader, Pricing, PricingInternal
from services.pricing.store import pace as pricing_pace
from services.pricing.store.exporting import SECTIONS
from services.team_formation.catalogue import Catalogue
from services.team_formation.chats.apps import Apps
from services.team_formation.doors import Doors
from services.team_formation.handlers import CampaignHandler, MemberEraser, MemberExport, PlatformHandler
from services.team_formation.handover import HandoverTokens
from services.team_formation.neighbours import Neighbours
from services.team_formation.quotes import QuoteReader
from services.team_formation.rpc import Desk, InternalServicer, TeamFormationServicer
from services.team_formation.signed_links import MemberLinks, PromoterLinks
from services.team_formation.store import pace as team_pace
from services.team_formation.watch import message_watch
from tests.support import tallies
from tests.support.database import Database as MakeDatabase
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, START, Formation, a_formation
from tests.support.notification_rpc import notification_internal_servicer, notification_servicer
from tests.support.notifying import SEALER, Notifying, a_notification, a_sandbox
from tests.support.outbox import RecordingPublisher
from tests.support.pricing import PricingService
from tests.support.quoting import ring
from tests.support.until import until

SETTLE = timedelta(seconds=30)
"""How long a message may be on its way when its member is erased."""

PACES = {
    "team_formation": standing.Pace(team_pace.find_next_due, team_pace.sum_told),
    "pricing": standing.Pace(pricing_pace.find_next_due, pricing_pace.sum_told),
    "notification": NOTIFICATION_PACE,
}
"""How each service says how far it is with a test twin."""

SERVICE_KEY = "the services' own key"
KEY = "gbk_shop_secret"
OTHER_KEY = "gbk_other_secret"

FILES = (
    team_formation_service_pb2,
    team_formation_internal_pb2,
    pricing_service_pb2,
    pricing_internal_pb2,
    notification_service_pb2,
    notification_internal_pb2,
    parked_internal_pb2,
    audit_internal_pb2,
    quotas_pb2,
    export_pb2,
    standing_internal_pb2,
)
"""The modules that describe every RPC there is."""


@dataclass
class Engine:
    """Three services on three databases."""

    urls: dict[str, str]
    formation: Formation
    pricing: PricingService
    notification: Notifying

    async def carry(self, batch: int = 500, times: int = 1) -> None:
        """Carry every event that was told to those who read it, in batches of records, as relay and consumers do.

        Each batch comes as often as `times` says: what is at least once may be twice.
        """
        formed = await relayed(self.formation.database)
        teams = records(formed)
        for part in _parts(records(formed, ("member", "campaign", "team")), batch):
            for _ in range(times):
                await self.pricing.apply(part)
        while await self.pricing.tallies.run_once():
            pass
        await self.pricing.settle()
        published = await relayed(self.pricing.database)
        for part in _parts(records(published, ("tally",)), batch):
            for _ in range(times):
                await tallies.apply(self.formation, *part)
        told = records(published)
        for part in _parts([*records(formed, ("member",)), *teams, *told], batch):
            for _ in range(times):
                await self.notification.apply(*part)
        await self.erase()
        await relayed(self.notification.database)

    async def erase(self) -> int:
        """Have each service make the passes whose turn it is over members that are erased; returns how many."""
        passes = 0
        for eraser in (
            MemberEraser(self.formation.database, self.formation.clock).eraser,
            pricing_eraser(self.pricing.database, self.formation.clock),
            member_eraser(self.notification.database, self.notification.clock, SETTLE),
        ):
            while done := await eraser.run_once():
                passes += done
        return passes


@asynccontextmanager
async def an_engine(make: MakeDatabase) -> AsyncIterator[Engine]:
    """Run one replica of each service."""
    urls = {service: await make(service) for service in ("team_formation", "pricing", "notification")}
    clock = ManualClock(START)
    async with (
        a_formation(urls["team_formation"], clock) as formation,
        _opened(urls["pricing"]) as prices,
        a_notification(urls["notification"], clock) as notification,
    ):
        yield Engine(urls, formation, PricingService(prices), notification)


async def relayed(database: Database) -> list[Message]:
    """Publish what waits in an outbox, by the relay itself; what it wrote, without topics that nobody reads."""
    publisher = RecordingPublisher()

    async def all_written() -> bool:
        _, hidden = await session.run_once()
        return not hidden

    async with database.direct() as connection:
        session = RelaySession(connection, publisher)
        await session.take_shards()
        await until(all_written)
    return publisher.published


def records(messages: Sequence[Message], topics: tuple[str, ...] = ("team", "price", "settlement")) -> list[Record]:
    """Make the records that a consumer of these topics gets."""
    wanted = {f"groupbuy.{name}.v1" for name in topics}
    return [
        Record(item.topic, item.key, item.payload, tuple(headers(item)), 0, offset)
        for offset, item in enumerate(messages)
        if item.topic in wanted
    ]


@asynccontextmanager
async def served(engine: Engine) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    """Serve every RPC over gRPC; a channel for each service's full name."""
    async with AsyncExitStack() as stack:
        for database in (engine.formation.database, engine.pricing.database, engine.notification.database):
            await know_the_platforms(database, engine.formation.clock)
        servicers = await _servicers(engine, stack)
        channels: dict[str, grpc.aio.Channel] = {}
        for database, group in servicers:
            every = _with_chassis(database, group)
            channel = await stack.enter_async_context(_server(database, engine.formation.clock, every))
            channels |= {servicer.name: channel for servicer in every}
        yield channels


async def _servicers(engine: Engine, stack: AsyncExitStack) -> list[tuple[Database, list[Servicer]]]:
    formation, clock = engine.formation, engine.formation.clock
    stream = SettlementStream(engine.pricing.database)
    stack.push_async_callback(stream.stop)
    reports = Coalescer("reports", ReportWriter(engine.pricing.database, clock).decide)
    stack.push_async_callback(_ended, asyncio.create_task(reports.run()))
    demand = DemandReader(engine.pricing.database, clock)
    stack.push_async_callback(demand.stop)
    pricing = [
        Servicer(
            "groupbuy.pricing.v1.Pricing",
            Pricing(
                engine.pricing.database,
                engine.pricing.tables,
                reports,
                stream,
                demand,
                DeliveryWriter(engine.pricing.database, engine.pricing.clock, engine.pricing.tables),
                QuoteWriter(engine.pricing.database, clock, engine.pricing.tables, ring()),
            ),
            pricing_service_pb2_grpc.add_PricingServicer_to_server,
        ),
        Servicer(
            "groupbuy.pricing.v1.PricingInternal",
            PricingInternal(engine.pricing.database, ring()),
            pricing_internal_pb2_grpc.add_PricingInternalServicer_to_server,
        ),
        exporting.servicer(exporting.Held(engine.pricing.database, "pricing", SECTIONS)),
    ]
    own = [audited.servicer("pricing", engine.pricing.database)]
    to_pricing = await stack.enter_async_context(_server(engine.pricing.database, clock, [*pricing[1:], *own]))
    exports = exporting.servicer(held(engine.notification.database, Contacts(SEALER), a_sandbox({}, clock).captures))
    inner = [audited.servicer("notification", engine.notification.database), exports]
    to_notification = await stack.enter_async_context(_server(engine.notification.database, clock, inner))
    others = {
        "pricing": export_pb2_grpc.ExportInternalStub(to_pricing),
        "notification": export_pb2_grpc.ExportInternalStub(to_notification),
    }
    neighbours = Neighbours(
        {
            "pricing": audit_internal_pb2_grpc.AuditInternalStub(to_pricing),
            "notification": audit_internal_pb2_grpc.AuditInternalStub(to_notification),
        },
        SERVICE_KEY,
    )
    catalogue, stub = Catalogue(), pricing_internal_pb2_grpc.PricingInternalStub(to_pricing)
    campaigns = CampaignHandler(formation.database, clock, catalogue, stub, SERVICE_KEY)
    watch = message_watch(formation.database, clock, catalogue)
    stack.push_async_callback(watch.stop)
    doors = Doors(formation.database)
    quotes = QuoteReader(clock, stub, SERVICE_KEY)
    desk = Desk(
        formation.database,
        clock,
        catalogue,
        formation.codes,
        doors,
        formation.commands,
        campaigns,
        watch,
        quotes,
        HandoverTokens(ring(), PUBLIC_URL),
        MemberLinks("a secret of tests", PUBLIC_URL),
        PromoterLinks("a secret of tests", PUBLIC_URL),
        export=MemberExport(formation.database, others, SERVICE_KEY),
        apps=Apps(formation.database, clock, SEALER),
        neighbours=neighbours,
    )
    public = TeamFormationServicer(desk)
    teams = [
        Servicer(
            "groupbuy.team_formation.v1.TeamFormation",
            public,
            team_formation_service_pb2_grpc.add_TeamFormationServicer_to_server,
        ),
        Servicer(
            "groupbuy.team_formation.v1.TeamFormationInternal",
            InternalServicer(
                formation.database,
                PlatformHandler(formation.database, clock),
                MemberLinks("a secret of tests", PUBLIC_URL),
                neighbours,
            ),
            team_formation_internal_pb2_grpc.add_TeamFormationInternalServicer_to_server,
        ),
        quotas.servicer({"campaigns": campaigns.count}),
    ]
    members = Coalescer("members", MemberWriter(engine.notification.database, clock, Contacts(SEALER)).decide)
    stack.push_async_callback(_ended, asyncio.create_task(members.run()))
    http = Http(seconds=5, connections=10, allow_private=False)
    stack.push_async_callback(http.close)
    told = notification_servicer(engine.notification.database, clock, members, http)
    answers = notification_internal_servicer(engine.notification.database, clock, http)
    return [
        (formation.database, teams),
        (engine.pricing.database, pricing),
        (engine.notification.database, [servicer(told), internal_servicer(answers), exports]),
    ]


def _with_chassis(database: Database, own: Sequence[Servicer]) -> list[Servicer]:
    """Add what every service has from the chassis."""
    _, service, *_ = own[0].name.split(".")
    return [
        *(refusing(one, database) for one in own),
        parked.servicer(database, Inbox(database, {})),
        audited.servicer(service, database),
        standing.servicer(database, PACES[service]),
    ]


@asynccontextmanager
async def _server(
    database: Database, clock: ManualClock, servicers: Sequence[Servicer]
) -> AsyncIterator[grpc.aio.Channel]:
    server = GrpcServer(
        "127.0.0.1:0",
        servicers,
        KeyRing(database, clock),
        service_key=SERVICE_KEY,
        drain_seconds=1,
        limits=_limiter(database),
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    await server.stop()


def _limiter(database: Database) -> Limiter:
    """Measure calls as a process does, with limits that no test meets by accident."""
    return Limiter({"requests_per_second": 10**6, "streams": 10**4}, LimitReader(database).find)


async def hear_of_platforms(engine: Engine) -> None:
    """Have the other services hear of platforms, as their consumers do."""
    rows = await engine.formation.rows(
        "SELECT DISTINCT ON (aggregateid) aggregateid, payload FROM outbox WHERE aggregatetype = %s"
        " ORDER BY aggregateid, position DESC",
        platforms.TOPIC,
    )
    heard = [Record(platforms.TOPIC, key, payload) for key, payload in rows]
    for database in (engine.pricing.database, engine.notification.database):
        await Inbox(database, {platforms.TOPIC: on_platform_events}).apply(heard)


async def know_the_platforms(database: Database, clock: ManualClock) -> None:
    """Have a service know the two platforms and their keys."""
    known = [
        Platform(platform, name, suspended=False, sequence=1, keys=(Key(name, hash_secret("secret"), None),))
        for platform, name in ((PLATFORM, "shop"), (OTHER_PLATFORM, "other"))
    ]
    async with database.work() as work:
        await save_platforms(work.connection, known, clock.now())


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_size=4)
    await database.start()
    yield database
    await database.stop()


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


def _parts(items: Sequence[Record], size: int) -> list[Sequence[Record]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


@asynccontextmanager
async def listening(engine: Engine) -> AsyncIterator[dict[str, str]]:
    """Serve every RPC over gRPC; the address of each service, for clients of a test's own."""
    async with AsyncExitStack() as stack:
        for database in (engine.formation.database, engine.pricing.database, engine.notification.database):
            await know_the_platforms(database, engine.formation.clock)
        addresses = {}
        names = ("team_formation", "pricing", "notification")
        for name, (database, group) in zip(names, await _servicers(engine, stack), strict=True):
            keys = KeyRing(database, engine.formation.clock)
            every = _with_chassis(database, group)
            server = GrpcServer(
                "127.0.0.1:0", every, keys, service_key=SERVICE_KEY, drain_seconds=1, limits=_limiter(database)
            )
            await server.start()
            stack.push_async_callback(server.stop)
            addresses[name] = f"127.0.0.1:{server.port}"
        yield addresses
