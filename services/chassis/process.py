"""What the process of every service has, wired in one order: database, writers, consumer, timers, relay, RPC, ops."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from services.chassis import audited, logs, metrics, parked, quotas, standing, twin_removal
from services.chassis.channels import Channels
from services.chassis.clock import Clock
from services.chassis.consumer import Consumer
from services.chassis.database import Database, database_url
from services.chassis.health import Check
from services.chassis.inbox import Fill, Handler, Inbox
from services.chassis.json_door import JsonDoor, json_server
from services.chassis.keeper import Keeper
from services.chassis.key_uses import FLUSH_SECONDS, KeyUses
from services.chassis.limit_rows import LimitReader
from services.chassis.limits import Limiter
from services.chassis.ops import OpsServer
from services.chassis.platforms import KeyRing
from services.chassis.publisher import Publisher
from services.chassis.quotas import Count
from services.chassis.refusing import refusing
from services.chassis.relay import Relay
from services.chassis.retention import PAGE as OLD_ROWS_PAGE
from services.chassis.retention import Retention, rules
from services.chassis.runner import Part
from services.chassis.server import GrpcServer, Servicer
from services.chassis.settings import ChassisSettings, SettingsError
from services.chassis.standing import Pace
from services.chassis.timers import Timer
from services.chassis.topics import group_of
from services.chassis.twin_clocks import TwinClocks
from services.chassis.twin_removal import First, TwinRemoval

OLD_ROWS_SECONDS = 600.0
ROLES = ("rpc", "web", "consumer", "timers", "relay")
"""What a process can be started for; all of it where nothing is said."""
LEARN_SECONDS = 2.0
"""How soon, after its service has heard of them, a process follows limits that an operator has set."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a service adds to the chassis. `writers` run before RPC starts and stop after it has drained."""

    servicers: Sequence[Servicer]
    writers: Sequence[Part] = ()
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    fills: Mapping[str, Fill] = field(default_factory=dict)
    timers: Sequence[Part] = ()
    streams: Sequence[Part] = ()
    """Serve long calls; they stop before RPC drains, so that the drain does not wait for their readers."""
    web: Sequence[Part] = ()
    """Serve pages to people, where the service has any."""
    counts: Mapping[str, Count] = field(default_factory=dict)
    """Count what platforms have used of limits that the service keeps in its database."""
    pace: Pace | None = None
    """How the service says how far it is with a test twin, whose clock is moved only when all services are done."""
    first_of_twins: First | None = None
    """Removes rows of a twin that was given up which nobody finds when its other rows are gone."""


class Process:
    """One process of a service."""

    def __init__(self, service: str, settings: ChassisSettings) -> None:
        self.service = service
        self.settings = settings
        self._group = group_of(service)
        logs.configure(service, settings.log_format, settings.log_level)
        direct = settings.database_direct_url
        self.clock = Clock()
        self.database = Database(
            database_url(settings.database_url, service),
            database_url(direct, service) if direct else None,
            pool_size=settings.database_pool,
            prepare=settings.database_prepare,
        )
        _show(self.database)
        self.keys = KeyRing(self.database, self.clock)
        self.channels = Channels(settings.calling)
        self.limits = Limiter(settings.limits, LimitReader(self.database).find, settings.rpc_replicas)

    def parts(self, plan: Plan, roles: Sequence[str]) -> list[Part]:
        """List the parts of the process in the order they start; SettingsError for a role that does not exist."""
        wanted = set(roles or ROLES)
        if wanted - set(ROLES):
            raise SettingsError(f"no part {', '.join(sorted(wanted - set(ROLES)))}; there are {', '.join(ROLES)}")
        checks: dict[str, Check] = {"database": self.database.ready}
        parts = [*traces(self.service, self.settings)]
        parts.append(Part("database", start=self.database.start, stop=self.database.stop))
        clocks = TwinClocks(self.database, self.clock)
        parts.append(Part("twin clocks", start=clocks.start, run=clocks.run))
        parts.append(timer("keeper", Keeper(self.database).run_once, every=5.0))
        parts += plan.writers
        inbox = Inbox(self.database, plan.handlers, plan.fills, self.settings.max_parked_keys, group=self._group)
        if "consumer" in wanted and plan.handlers:
            consumer = self._consumer(plan, inbox)
            checks["partitions"] = _told(lambda: consumer.assigned)
            parts.append(Part("consumer", run=consumer.run))
        if "timers" in wanted:
            parts += [*plan.timers, self._retention(), self._twin_removal(plan)]
        if "relay" in wanted:
            publisher = Publisher(self.settings.kafka, self._group, security=self.settings.kafka_security())
            relay = Relay(self.database, publisher)
            checks["outbox"] = _told(lambda: relay.works)
            parts.append(Part("relay", run=relay.run, stop=publisher.stop))
        if "rpc" in wanted:
            uses = KeyUses(self.database, self.keys)
            parts.append(replace(timer("key uses", uses.run_once, every=FLUSH_SECONDS), stop=uses.stop))
            server = self._server(plan, inbox, checks)
            parts.append(timer("limits", self.limits.learn, every=LEARN_SECONDS))
            parts += [Part("rpc", start=server.start, stop=server.stop), *self._json(server), *plan.streams]
        if "web" in wanted:
            parts += plan.web
        ops = OpsServer(self.settings.ops_listen, checks, self.settings.listening(self.settings.ops_tls))
        return [*parts, Part("ops", start=ops.start, stop=ops.stop)]

    def _retention(self) -> Part:
        days = {
            rule.setting: getattr(self.settings, rule.setting) for rule in rules(self.service).values() if rule.setting
        }
        retention = Retention(self.database, self.clock, self.service, days)
        return timer("old rows", retention.run_once, every=OLD_ROWS_SECONDS, page=OLD_ROWS_PAGE)

    def _twin_removal(self, plan: Plan) -> Part:
        removal = TwinRemoval(self.database, self.clock, *([plan.first_of_twins] if plan.first_of_twins else []))
        return timer("twins given up", removal.run_once, every=twin_removal.EVERY_SECONDS, page=twin_removal.PAGE)

    def _consumer(self, plan: Plan, inbox: Inbox) -> Consumer:
        security = self.settings.kafka_security()
        return Consumer(self.settings.kafka, self._group, list(plan.handlers), inbox, security=security)

    def _json(self, server: GrpcServer) -> list[Part]:
        """Make the door of the same calls over HTTP, where one is wanted."""
        listen = self.settings.http_listen
        if listen is None:
            return []
        tls = self.settings.listening(self.settings.http_tls)
        http = json_server(listen, JsonDoor(server.servicers, server.gate), self.settings.drain_seconds, tls)
        return [Part("http", start=http.start, stop=http.stop)]

    def _server(self, plan: Plan, inbox: Inbox, checks: Mapping[str, Check]) -> GrpcServer:
        parked_keys = [parked.servicer(self.database, inbox)] if plan.handlers else []
        return GrpcServer(
            self.settings.listen,
            [
                *(refusing(servicer, self.database) for servicer in plan.servicers),
                *parked_keys,
                quotas.servicer(plan.counts),
                audited.servicer(self.service, self.database),
                *([standing.servicer(self.database, plan.pace)] if plan.pace else []),
            ],
            self.keys,
            service_key=self.settings.service_key.get_secret_value(),
            drain_seconds=self.settings.drain_seconds,
            connection_seconds=self.settings.connection_seconds,
            tls=self.settings.listening(self.settings.listen_tls),
            limits=self.limits,
            checks=checks,
        )


def traces(service: str, settings: ChassisSettings) -> list[Part]:
    """Make the part that records traces, where they are wanted; what records is not even loaded where they are not."""
    if not settings.traces_endpoint:
        return []
    from services.chassis.span_export import Traces  # noqa: PLC0415

    recording = Traces(service, settings)
    return [Part("traces", start=recording.start, stop=recording.stop)]


def _show(database: Database) -> None:
    """Have metrics tell of the pool when they are asked for, and of the version."""
    metrics.BUILD.labels(version("groupbuy")).set(1)
    metrics.REFUSALS.labels("INTERNAL")  # told as 0 from the start: an alert sees the first one then
    used, idle = metrics.CONNECTIONS.labels("used"), metrics.CONNECTIONS.labels("idle")
    used.set_function(lambda: database.pool("pool_size") - database.pool("pool_available"))
    idle.set_function(lambda: database.pool("pool_available"))
    metrics.CONNECTION_WAITS.set_function(lambda: database.pool("requests_waiting"))


def timer(
    name: str,
    run_once: Callable[[], Awaitable[int]],
    *,
    every: float,
    page: int = 0,
    clock: Clock | None = None,
) -> Part:
    """Make the part of a timer; `every` is in seconds, `page` the size of a full page of its finder.

    What is due by the clocks of platforms is given the clock, so that it is looked for as soon as one was moved.
    """
    return Part(name, run=Timer(name, run_once, every=every, page=page, clock=clock).run)


def _told(state: Callable[[], bool]) -> Check:
    async def check() -> bool:
        return state()

    return check
