"""From a wanted load to what it takes: replicas, partitions, connections, bytes, and what would be too small next.

Pure arithmetic over measured figures. It plans for peaks of twice what it is asked for: processes are at half of what
one can do, as arrivals that come by chance wait long beyond that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from deploy.capacity.figures import Figures

BUSY = 0.5
"""So much of what it can do is a process, or a core, to do."""
FEWEST = 2
"""Replicas of each part: one may be gone at any time."""
DAY = 86_400
_MICRO = 1e6
_OTHERS = (
    "team_formation consumer",
    "team_formation timers",
    "pricing rpc",
    "pricing timers",
    "pricing relay",
    "notification rpc",
    "notification relay",
)
"""Parts whose load is a small part of what one process can do."""
_DEMAND = "pricing demand"
"""Has no database."""
SERVICES = ("team_formation", "pricing", "notification")


class WantedError(ValueError):
    """The wish cannot be reckoned with; the text names the part of it and what it may be."""


@dataclass(frozen=True)
class Wanted:
    """A load. A member is one seat: it joins, confirms, and is told."""

    joins_per_s: float
    """At the busiest time."""
    members: int = 1_000_000
    """Known to notification, with an address."""
    hot: float = 0.2
    """Share of joins that the busiest campaign takes."""
    messages: Sequence[str] = ("JOINED", "PRICE_FELL", "TIPPED", "FORMED")
    pages: float = 10.0
    """Invite pages that are opened for each join."""
    day: float = 0.2
    """What is joined in a day, as a share of joining at the busiest rate all day."""
    cores: int = 16
    """Of the PostgreSQL server of one service."""
    max_connections: int = 500
    """Of that server."""
    copies: int = 3
    """Of each Kafka partition."""

    def check(self, figures: Figures) -> None:
        """WantedError where something cannot be."""
        at_least = {"joins_per_s": 0.001, "members": 0, "pages": 0, "cores": 1, "max_connections": 10, "copies": 1}
        for name, least in at_least.items():
            if not least <= getattr(self, name) < inf:
                raise WantedError(f"{name} is {getattr(self, name):g}: it must be {least:g} or more")
        for name in ("hot", "day"):
            if not 0 < getattr(self, name) <= 1:
                raise WantedError(f"{name} is {getattr(self, name):g}: it is a share, above 0 and at most 1")
        if unknown := sorted(set(self.messages) - set(figures.messages)):
            raise WantedError(f"no messages of kind {', '.join(unknown)}; there are {', '.join(figures.messages)}")


@dataclass(frozen=True)
class Part:
    """Processes of one kind."""

    name: str
    replicas: int
    by: str
    """What decides how many."""
    most: int | None = None
    """More than so many would have nothing to do."""


@dataclass(frozen=True)
class Limit:
    """Where something ends, in joins a second, with the partitions and servers of the plan."""

    joins_per_s: float
    what: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    """What a load takes."""

    parts: Sequence[Part]
    partitions: int
    connections: Mapping[str, int]
    """To each service's PostgreSQL server, with one more process of each part during an update."""
    pooler: bool
    """Whether a pooler has to stand before PostgreSQL."""
    database_cores: Mapping[str, float]
    kafka_in: float
    """Bytes a second at the busiest time, before copies."""
    kafka_out: float
    kafka_kept: float
    """Bytes on all brokers, with copies."""
    outbox: float
    """Bytes in all databases."""
    growth: Mapping[str, float]
    """Bytes a day that stay for good, by service."""
    steady: Mapping[str, float]
    """Bytes of what goes after its time, once that has passed, by service."""
    known: float
    """Bytes of the members that are known."""
    log: float
    """Bytes of write-ahead log a second, all services."""
    messages_per_s: float
    limits: Sequence[Limit]
    """The nearest first."""


def plan(wanted: Wanted, figures: Figures) -> Plan:
    """Reckon; WantedError where the wish cannot be."""
    wanted.check(figures)
    joins, per_day = wanted.joins_per_s, wanted.joins_per_s * wanted.day * DAY
    told = sum(figures.messages[kind] for kind in wanted.messages)
    parts = _parts(wanted, figures, told)
    consumers = [part.replicas for part in parts if part.name.endswith("consumer")]
    partitions = max(figures.settings["partitions"], *consumers)
    connections = _connections(parts, figures)
    passing = sum(figures.topics.values())
    return Plan(
        parts=parts,
        partitions=partitions,
        connections=connections,
        pooler=max(connections.values()) > wanted.max_connections - figures.settings["reserved_connections"],
        database_cores={service: joins * _postgres(figures, service) / _MICRO / BUSY for service in SERVICES},
        kafka_in=joins * passing,
        kafka_out=joins * sum(size * _readers(figures, topic) for topic, size in figures.topics.items()),
        kafka_kept=per_day * passing * figures.settings["topic_days"] * wanted.copies,
        outbox=per_day * sum(_sized(figures, "outbox").values()) * figures.settings["topic_days"],
        growth={service: per_day * _for_good(figures, service) for service in SERVICES},
        steady={service: per_day * _for_a_time(figures, service) for service in SERVICES},
        known=wanted.members * figures.row,
        log=joins * figures.log,
        messages_per_s=joins * told,
        limits=sorted(_limits(wanted, figures, partitions), key=lambda limit: limit.joins_per_s),
    )


def _parts(wanted: Wanted, figures: Figures, told: float) -> list[Part]:
    joins, rates, settings = wanted.joins_per_s, figures.rates, figures.settings
    events = settings["events_of_a_member"]
    shards = settings["relay_shards"]
    return [
        _part("team_formation rpc", joins * settings["calls_of_a_member"], rates["calls"], "calls"),
        _part("team_formation web", joins * wanted.pages, rates["pages"], "pages opened"),
        _part("team_formation relay", joins * events, rates["relay"], "events", shards),
        _part("pricing consumer", joins * events, rates["pricing_events"], "events"),
        _part("notification consumer", joins * events, rates["notification_events"], "events"),
        _part("notification timers", joins * told, rates["messages"], "messages sent"),
        *(Part(name, FEWEST, "one to fail") for name in _OTHERS),
        Part(_DEMAND, 1, "a view; nothing rests on it"),
    ]


def _part(name: str, load: float, rate: float, what: str, most: int | None = None) -> Part:
    wanted = max(FEWEST, ceil(load / (rate * BUSY)))
    return Part(name, min(wanted, most or wanted), f"{load:,.0f} {what} a second, {rate:,.0f} a process at most", most)


def _connections(parts: Sequence[Part], figures: Figures) -> dict[str, int]:
    """Count by service: each process has its pool and its direct connections, and an update starts one more of each."""
    each = figures.settings["database_pool"] + figures.settings["direct_connections"]
    return {
        service: sum(
            (part.replicas + 1) * each for part in parts if part.name.startswith(service) and part.name != _DEMAND
        )
        for service in SERVICES
    }


def _limits(wanted: Wanted, figures: Figures, partitions: int) -> list[Limit]:
    rates, settings = figures.rates, figures.settings
    events = settings["events_of_a_member"]
    servers = [
        Limit(
            wanted.cores * BUSY * _MICRO / _postgres(figures, service),
            f"PostgreSQL of {service}, {wanted.cores} cores",
            "more cores; beyond one machine, distribution by campaign_id",
        )
        for service in SERVICES
    ]
    consumers = [
        Limit(
            partitions * rates[f"{service}_events"] * BUSY / events,
            f"{partitions} partitions, one process of {service} each",
            "more partitions: while the topics are drained, as keys change places",
        )
        for service in ("pricing", "notification")
    ]
    return [
        *servers,
        *consumers,
        Limit(
            rates["hot_campaign"] / wanted.hot,
            f"the busiest campaign, {wanted.hot:.0%} of all joins, ordered by its stock row",
            "JoinTeams, a campaign without stock and limits, or several campaigns for one offer; no replica helps",
        ),
        Limit(
            settings["relay_shards"] * rates["relay"] * BUSY / events,
            f"{settings['relay_shards']} relays, one for each shard",
            "more shards, a constant of the outbox",
        ),
    ]


def _postgres(figures: Figures, service: str) -> float:
    """Microseconds of PostgreSQL for a member, of one service: all of it, parted by what each writes."""
    sizes = {name: sum(_sized(figures, "", name).values()) for name in SERVICES}
    return figures.cpu["postgres"] * sizes[service] / sum(sizes.values())


def _readers(figures: Figures, topic: str) -> int:
    return figures.settings.get(f"readers_of_{topic.split('.')[1]}", 0)


def _sized(figures: Figures, table: str, service: str = "") -> dict[str, float]:
    """Give the bytes of tables of a name, or of a service."""
    chosen = {}
    for name, kept in figures.tables.items():
        of, own = name.split(".")
        if (not table or own == table) and (not service or of == service):
            chosen[name] = kept.bytes
    return chosen


def _for_good(figures: Figures, service: str) -> float:
    tables = figures.tables.items()
    return sum(kept.bytes for name, kept in tables if name.startswith(f"{service}.") and not kept.days)


def _for_a_time(figures: Figures, service: str) -> float:
    tables = figures.tables.items()
    return sum(kept.bytes * kept.days for name, kept in tables if name.startswith(f"{service}.") and kept.days)
