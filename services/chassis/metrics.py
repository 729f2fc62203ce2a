"""The metrics every service has, in Prometheus' form and by its naming rules (docs/metrics.md)."""

from collections.abc import Iterable, Mapping
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SLOW = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

BUILD = Gauge("groupbuy_build_info", "1, with the version of the engine that the process runs.", ["version"])

# calls
RPC_SECONDS = Histogram(
    "groupbuy_rpc_seconds", "Time of RPCs from arrival to answer, at both doors.", ["method", "code"], buckets=_FAST
)
REFUSALS = Counter(
    "groupbuy_refusals_total",
    "Refusals by their reason (docs/refusals.md): of calls, and of single joins within JoinTeams.",
    ["reason"],
)
LIMITED = Counter(
    "groupbuy_limited_total",
    "Calls refused by a limit of their platform or key. Platforms are no label, as there may be any number of them.",
    ["limit"],
)
OPEN_STREAMS = Gauge("groupbuy_open_streams", "Streams of platforms that are open.")

# batches
BATCH_SIZE = Histogram("groupbuy_batch_size", "Commands decided in one transaction.", ["queue"], buckets=_SIZES)
BATCH_SECONDS = Histogram("groupbuy_batch_seconds", "Time of one batch's transaction.", ["queue"], buckets=_FAST)
QUEUE_SECONDS = Histogram(
    "groupbuy_queue_seconds",
    "How long the call of each batch that waited longest had waited for it.",
    ["queue"],
    buckets=_FAST,
)
QUEUE_LENGTH = Gauge("groupbuy_queue_length", "Commands that wait for a batch now.", ["queue"])
SHED = Counter("groupbuy_shed_total", "Calls told at once that they would wait for too long.", ["queue"])

# facts, from the outbox to Kafka
FACTS = Counter("groupbuy_facts_total", "Facts committed, by kind: seats held, teams formed, prices changed.", ["fact"])
OUTBOX_UNSENT = Gauge(
    "groupbuy_outbox_unsent",
    "Committed events that are not in Kafka yet; no more than 100000 are counted."
    " Each process tells it of the whole database: take the max.",
)
OUTBOX_AGE = Gauge(
    "groupbuy_outbox_oldest_unsent_seconds",
    "Age of the oldest committed event that is not in Kafka yet."
    " Each process tells it of the whole database: take the max.",
)
OUTBOX_BYTES = Gauge(
    "groupbuy_outbox_bytes",
    "Room that the outbox takes on the disk, indexes too, over the days that it keeps."
    " Each process tells it of the whole database: take the max.",
)
RELAYED = Counter("groupbuy_relay_events_total", "Events written to Kafka.", ["topic"])
RELAY_DELAY = Histogram(
    "groupbuy_relay_delay_seconds",
    "Time from a fact to its event in Kafka; of a fact that follows from another, such as a price, from that one on.",
    ["topic"],
    buckets=_SLOW,
)
RELAY_FAILURES = Counter("groupbuy_relay_failures_total", "Times that writing to Kafka failed and was tried again.")

# events, from Kafka into the database
CONSUMED = Counter(
    "groupbuy_consumer_events_total",
    "Events read from Kafka: applied, repeated, filled (fetched for a gap), gap (missed), parked, unreadable.",
    ["topic", "outcome"],
)
CONSUMER_LAG = Gauge(
    "groupbuy_consumer_lag_events", "Events in this process's partitions that are not applied yet.", ["topic"]
)
CONSUMER_BEHIND = Gauge(
    "groupbuy_consumer_lag_seconds", "Age of the oldest event of the batch that is being applied; 0 between batches."
)
CONSUMER_FAILURES = Counter("groupbuy_consumer_failures_total", "Batches that failed and were tried again.")
PARKED_KEYS = Gauge(
    "groupbuy_parked_keys",
    "Keys whose events are set aside until they are redriven."
    " Each process tells it of the whole database: take the max.",
)

# work that time brings
TIMER_FAILURES = Counter(
    "groupbuy_timer_failures_total", "Runs of a timer that failed and were tried again.", ["timer"]
)
SPANS = Counter(
    "groupbuy_spans_total",
    "Spans of traces by what became of them: exported; no_room, as too many waited; not_taken by the receiver.",
    ["outcome"],
)
OVERDUE = Gauge(
    "groupbuy_overdue_seconds",
    "By how long what a timer has to see to is overdue, the oldest of it; 0 where nothing is."
    " Each process with timers tells it of the whole database: take the max.",
    ["timer"],
)

# connections to the database
CONNECTIONS = Gauge("groupbuy_database_connections", "Connections of the pool, by state: used or idle.", ["state"])
CONNECTION_WAITS = Gauge("groupbuy_database_waiting", "Transactions and reads that wait for a connection of the pool.")


def begin_consumer(topics: Iterable[str]) -> None:
    """Tell from the start, as 0, what alerts look for: the first increase of a new series is not seen."""
    for topic in topics:
        for outcome in ("gap", "parked"):
            CONSUMED.labels(topic, outcome)


def count_facts(told: Mapping[str, int]) -> None:
    """Count facts that were committed, by their full names."""
    for name, number in told.items():
        _fact(name).inc(number)


@cache
def _fact(name: str) -> Counter:
    return FACTS.labels(name.rpartition(".")[2])
