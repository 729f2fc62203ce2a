"""The board that is looked at first: is the engine well, and if not, where."""

from tools.observability.grafana import Board, Panel, Query, Row
from tools.observability.queries import WINDOW, once, quantile, rate, top, total
from tools.observability.slos import JOINS, SLOS

NAMED = "service!=''"
_BUDGET = "1 - groupbuy:slo_errors:ratio_rate30d / on (slo) groupbuy:slo_budget:ratio"


def overview() -> Board:
    """Make the board."""
    return Board(
        "groupbuy-overview",
        "groupbuy: overview",
        "Whether teams form, prices are told and messages go out; where it is slow, and what waits.",
        [
            Row("Now", _now()),
            Row("Calls", _calls()),
            Row("From a fact to who reads it", _pipeline()),
            Row("Teams, prices, messages", _business()),
            Row("Objectives, of thirty days", _objectives()),
            Row("Processes", _processes()),
        ],
    )


def _now() -> list[Panel]:
    def stat(title: str, query: Query, unit: str, good_below: float | None, meaning: str) -> Panel:
        return Panel(title, [query], unit, "stat", meaning, width=4, height=4, good_below=good_below)

    p99 = quantile(0.99, "groupbuy_rpc_seconds", selector=JOINS)
    since = Query("time() - max(groupbuy_check_finished_timestamp_seconds)", "since")
    joined = rate("groupbuy_facts_total", selector='fact="SeatHeld"')
    oldest = once("groupbuy_outbox_oldest_unsent_seconds")
    return [
        stat(
            "Seats held a second", joined, "ops", None, "Joins and opened teams; a call that is repeated counts once."
        ),
        stat("Joins: p99", p99, "s", 0.5, "From arrival to answer; the objective is half a second."),
        stat("Oldest event not in Kafka", oldest, "s", 60, "Of all services."),
        stat(
            "Parked keys", once("groupbuy_parked_keys"), "short", 1, "Teams and campaigns that stand still somewhere."
        ),
        stat("Violations", once("groupbuy_check_violations"), "short", 1, "What groupbuy check --record found last."),
        stat("Last check", since, "s", 7200, "How long ago the invariants were checked."),
    ]


def _calls() -> list[Panel]:
    slowest = f"sum by (le, method) (rate(groupbuy_rpc_seconds_bucket[{WINDOW}]))"
    return [
        Panel("Calls a second, by RPC", [top(10, "groupbuy_rpc_seconds_count", "method")], "ops"),
        Panel(
            "Joins: p50 and p99",
            [
                quantile(0.5, "groupbuy_rpc_seconds", selector=JOINS),
                quantile(0.99, "groupbuy_rpc_seconds", selector=JOINS),
            ],
            "s",
        ),
        Panel(
            "p99 by RPC, the ten slowest",
            [Query(f"topk(10, histogram_quantile(0.99, {slowest}) > 0)", "{{method}}")],
            "s",
        ),
        Panel(
            "Calls that did not end well",
            [top(10, "groupbuy_rpc_seconds_count", "code", 'code!="OK"')],
            "ops",
            meaning="By status. What a rule refuses is an answer; UNAVAILABLE and INTERNAL are ours.",
        ),
        Panel("Refusals, by reason", [top(12, "groupbuy_refusals_total", "reason")], "ops"),
        Panel(
            "Turned away",
            [
                rate("groupbuy_shed_total", "queue", "too much at once: {{queue}}"),
                rate("groupbuy_limited_total", "limit", "limit: {{limit}}"),
            ],
            "ops",
            meaning="Too much at once is ours to mend; limits are those of platforms (docs/limits.md).",
        ),
    ]


def _pipeline() -> list[Panel]:
    return [
        Panel("Oldest event not in Kafka", [once("groupbuy_outbox_oldest_unsent_seconds", "service")], "s"),
        Panel("Events not applied", [total("groupbuy_consumer_lag_events", "service, topic")], "short"),
        Panel("Age of what is applied", [once("groupbuy_consumer_lag_seconds", "service")], "s"),
        Panel("From fact to Kafka: p99", [quantile(0.99, "groupbuy_relay_delay_seconds", "topic")], "s"),
        Panel(
            "Failures that are tried again",
            [
                rate("groupbuy_relay_failures_total", "service", "relay: {{service}}"),
                rate("groupbuy_consumer_failures_total", "service", "consumer: {{service}}"),
                rate("groupbuy_timer_failures_total", "service, timer", "timer: {{timer}}, {{service}}"),
            ],
            "ops",
        ),
        Panel("Overdue", [once("groupbuy_overdue_seconds", "service, timer")], "s"),
    ]


def _business() -> list[Panel]:
    teams = 'fact=~"TeamOpened|TeamFormed|TeamFailed|TeamCancelled"'
    seats = 'fact=~"SeatHeld|SeatConfirmed|SeatReleased|SeatWaitlisted|SeatDefaulted"'
    prices = 'fact=~"PriceChanged|CampaignPriceChanged"'
    return [
        Panel("Teams a second", [rate("groupbuy_facts_total", "fact", selector=teams)], "ops"),
        Panel("Seats a second", [rate("groupbuy_facts_total", "fact", selector=seats)], "ops"),
        Panel("Open teams", [once("groupbuy_open_teams", "state")], "short"),
        Panel("Price changes a second", [rate("groupbuy_facts_total", "fact", selector=prices)], "ops"),
        Panel("Messages that ended, by channel", [rate("groupbuy_deliveries_total", "channel, outcome")], "ops"),
        Panel("Messages due", [once("groupbuy_deliveries_due", "channel")], "short"),
    ]


def _objectives() -> list[Panel]:
    sentences = " ".join(slo.sentence for slo in SLOS)
    return [
        Panel(
            "Budget that is left",
            [Query(_BUDGET, "{{slo}}")],
            "percentunit",
            "stat",
            sentences,
            width=12,
            height=5,
            good_above=0.0,
        ),
        Panel(
            "How fast it burns: 1 spends it in thirty days",
            [Query("groupbuy:slo_errors:ratio_rate1h / on (slo) groupbuy:slo_budget:ratio", "{{slo}}")],
            "short",
            width=12,
            height=5,
            meaning="Pages come at 14.4 and 6, tickets at 3 and 1 (docs/slo.md).",
        ),
    ]


def _processes() -> list[Panel]:
    return [
        Panel("Processes that answer", [Query(f"sum by (service) (up{{{NAMED}}})", "{{service}}")], "short", width=6),
        Panel("CPU", [rate("process_cpu_seconds_total", "service", selector=NAMED)], "short", width=6),
        Panel("Memory", [total("process_resident_memory_bytes", "service", NAMED)], "bytes", width=6),
        Panel("Waits for a connection", [total("groupbuy_database_waiting", "service")], "short", width=6),
    ]
