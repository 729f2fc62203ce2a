"""The metrics every service has, in Prometheus' form and by its naming rules."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

RPC_SECONDS = Histogram(
    "groupbuy_rpc_seconds", "Time of RPCs from arrival to answer.", ["method", "code"], buckets=_FAST
)
BATCH_SIZE = Histogram("groupbuy_batch_size", "Commands decided in one transaction.", ["queue"], buckets=_SIZES)
BATCH_SECONDS = Histogram("groupbuy_batch_seconds", "Time of one batch's transaction.", ["queue"], buckets=_FAST)
LIMITED = Counter(
    "groupbuy_limited_total",
    "Calls refused by a limit of their platform or key. Platforms are no label, as there may be any number of them.",
    ["limit"],
)
OPEN_STREAMS = Gauge("groupbuy_open_streams", "Streams of platforms that are open.")
SHED = Counter("groupbuy_shed_total", "Calls told at once that they would wait for too long.", ["queue"])
QUEUE_LENGTH = Gauge("groupbuy_queue_length", "Commands that wait for a batch.", ["queue"])
OUTBOX_UNSENT = Gauge("groupbuy_outbox_unsent", "Committed events that are not in Kafka yet.")
OUTBOX_AGE = Gauge(
    "groupbuy_outbox_oldest_unsent_seconds", "Age of the oldest committed event that is not in Kafka yet."
)
RELAYED = Counter("groupbuy_relay_events_total", "Events written to Kafka.", ["topic"])
RELAY_FAILURES = Counter("groupbuy_relay_failures_total", "Times that writing to Kafka failed and was tried again.")
CONSUMED = Counter("groupbuy_consumer_events_total", "Events read from Kafka.", ["topic", "outcome"])
CONSUMER_FAILURES = Counter("groupbuy_consumer_failures_total", "Batches that failed and were tried again.")
PARKED_KEYS = Gauge("groupbuy_parked_keys", "Keys whose events are set aside until they are redriven.")
TIMER_FAILURES = Counter(
    "groupbuy_timer_failures_total", "Runs of a timer that failed and were tried again.", ["timer"]
)
SPANS = Counter(
    "groupbuy_spans_total",
    "Spans of traces by what became of them: exported; no_room, as too many waited; not_taken by the receiver.",
    ["outcome"],
)
