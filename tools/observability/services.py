"""One board for each service: what all have in common, and what is its own."""

from tools.observability.grafana import Board, Panel, Row
from tools.observability.queries import once, quantile, rate, top, total

TITLES = {"team_formation": "team formation", "pricing": "pricing", "notification": "notification"}


def service_board(service: str) -> Board:
    """Make the board of a service."""
    here = f'service="{service}"'
    return Board(
        f"groupbuy-{service.replace('_', '-')}",
        f"groupbuy: {TITLES[service]}",
        f"Calls, batches, events, timers and processes of {service}.",
        [
            Row("Calls", _calls(here)),
            Row("Batches", _batches(here)),
            Row("Facts and the outbox", _outbox(here)),
            Row("Events that it reads", _consumer(here)),
            Row("Timers", _timers(here)),
            *_own(service, here),
            Row("Processes", _processes(here)),
        ],
    )


def _calls(here: str) -> list[Panel]:
    seconds = "groupbuy_rpc_seconds"
    return [
        Panel("Calls a second, by RPC", [top(12, f"{seconds}_count", "method", here)], "ops"),
        Panel("p50 by RPC", [quantile(0.5, seconds, "method", here)], "s"),
        Panel("p99 by RPC", [quantile(0.99, seconds, "method", here)], "s"),
        Panel(
            "Calls that did not end well", [top(12, f"{seconds}_count", "method, code", f'{here}, code!="OK"')], "ops"
        ),
        Panel("Refusals, by reason", [top(12, "groupbuy_refusals_total", "reason", here)], "ops"),
        Panel("Streams that are open", [total("groupbuy_open_streams", selector=here)], "short"),
    ]


def _batches(here: str) -> list[Panel]:
    size, seconds = "groupbuy_batch_size", "groupbuy_batch_seconds"
    return [
        Panel("Commands that wait", [total("groupbuy_queue_length", "queue", here)], "short", width=6),
        Panel("Longest wait in a batch: p99", [quantile(0.99, "groupbuy_queue_seconds", "queue", here)], "s", width=6),
        Panel(
            "Commands in a batch", [quantile(0.5, size, "queue", here), quantile(0.95, size, "queue", here)], width=6
        ),
        Panel("Time of a batch: p99", [quantile(0.99, seconds, "queue", here)], "s", width=6),
        Panel("Turned away", [rate("groupbuy_shed_total", "queue", selector=here)], "ops", width=12),
        Panel("Refused by limits", [rate("groupbuy_limited_total", "limit", selector=here)], "ops", width=12),
    ]


def _outbox(here: str) -> list[Panel]:
    return [
        Panel("Facts a second", [top(12, "groupbuy_facts_total", "fact", here)], "ops"),
        Panel("Events written to Kafka", [rate("groupbuy_relay_events_total", "topic", selector=here)], "ops"),
        Panel("From fact to Kafka: p99", [quantile(0.99, "groupbuy_relay_delay_seconds", "topic", here)], "s"),
        Panel("Events not in Kafka", [once("groupbuy_outbox_unsent", selector=here)], "short"),
        Panel("Age of the oldest", [once("groupbuy_outbox_oldest_unsent_seconds", selector=here)], "s"),
        Panel("Room of the outbox", [once("groupbuy_outbox_bytes", selector=here)], "bytes"),
    ]


def _consumer(here: str) -> list[Panel]:
    failures = rate("groupbuy_consumer_failures_total", legend="consumer", selector=here)
    relay = rate("groupbuy_relay_failures_total", legend="relay", selector=here)
    return [
        Panel(
            "Events, by what became of them",
            [rate("groupbuy_consumer_events_total", "topic, outcome", selector=here)],
            "ops",
        ),
        Panel("Events not applied", [total("groupbuy_consumer_lag_events", "topic", here)], "short"),
        Panel("Age of what is applied", [once("groupbuy_consumer_lag_seconds", selector=here)], "s"),
        Panel("Parked keys", [once("groupbuy_parked_keys", selector=here)], "short", good_below=1, width=12),
        Panel("Failures that are tried again", [failures, relay], "ops", width=12),
    ]


def _timers(here: str) -> list[Panel]:
    return [
        Panel("Overdue", [once("groupbuy_overdue_seconds", "timer", here)], "s", width=12),
        Panel("Runs that failed", [rate("groupbuy_timer_failures_total", "timer", selector=here)], "ops", width=12),
    ]


def _own(service: str, here: str) -> list[Row]:
    if service == "team_formation":
        calls = rate("groupbuy_hook_calls_total", "channel, outcome")
        return [
            Row(
                "Teams, links, chats",
                [
                    Panel("Open teams", [once("groupbuy_open_teams", "state")], "short", width=6),
                    Panel("Signals of abuse", [rate("groupbuy_abuse_signals_total", "signal, action")], "ops", width=6),
                    Panel(
                        "Calls of chat services",
                        [calls],
                        "ops",
                        width=6,
                    ),
                    Panel("Pictures of products", [rate("groupbuy_image_fetches_total", "outcome")], "ops", width=6),
                ],
            )
        ]
    if service == "notification":
        return [Row("Messages", _messages()), Row("Platforms' endpoints", _endpoints(here))]
    return []


def _messages() -> list[Panel]:
    return [
        Panel("Messages that ended", [rate("groupbuy_deliveries_total", "channel, outcome")], "ops"),
        Panel("Attempts", [rate("groupbuy_delivery_attempts_total", "channel, outcome")], "ops"),
        Panel("From due to ended: p95", [quantile(0.95, "groupbuy_delivery_delay_seconds", "channel")], "s"),
        Panel("Messages due", [once("groupbuy_deliveries_due", "channel")], "short"),
        Panel("Attempts under way", [total("groupbuy_delivery_attempts_in_flight", "channel")], "short"),
        Panel(
            "What was left out",
            [
                rate("groupbuy_fanout_dropped_total", legend="events never told"),
                rate("groupbuy_templates_failed_total", legend="templates that failed"),
                rate("groupbuy_messages_without_link_total", legend="messages without their link"),
            ],
            "ops",
        ),
        Panel("Answers in chats", [rate("groupbuy_chat_answers_total", "way, outcome")], "ops", width=12),
    ]


def _endpoints(here: str) -> list[Panel]:
    return [
        Panel("Posts", [rate("groupbuy_webhook_posts_total", "outcome")], "ops"),
        Panel("Posts under way", [total("groupbuy_webhook_posts_in_flight", selector=here)], "short"),
        Panel("Endpoints disabled", [rate("groupbuy_webhook_endpoints_disabled_total")], "ops"),
    ]


def _processes(here: str) -> list[Panel]:
    return [
        Panel("CPU", [rate("process_cpu_seconds_total", "instance", selector=here)], "short", width=6),
        Panel("Memory", [total("process_resident_memory_bytes", "instance", here)], "bytes", width=6),
        Panel("Connections to PostgreSQL", [total("groupbuy_database_connections", "state", here)], "short", width=6),
        Panel("Waits for a connection", [total("groupbuy_database_waiting", "instance", here)], "short", width=6),
        Panel("Spans of traces", [rate("groupbuy_spans_total", "outcome", selector=here)], "ops", width=24, height=5),
    ]
