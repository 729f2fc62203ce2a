"""The objectives of the service, and the rules that watch how fast their error budgets burn.

Source of windows and rates: The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts", table 5-8
(https://sre.google/workbook/alerting-on-slos/).
"""

from collections.abc import Iterator
from dataclasses import dataclass

DAYS = 30


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective: of all that counts in thirty days, so much is good."""

    name: str
    alert: str
    objective: float
    sentence: str
    """What is promised, for people."""
    bad: str
    """How many were bad in a window, as PromQL with $window; nothing where none was."""
    all: str
    """How many there were."""

    @property
    def budget(self) -> float:
        """Tell the part that may be bad."""
        return round(1 - self.objective, 6)


@dataclass(frozen=True, slots=True)
class Burn:
    """A rate of burning the budget, seen in a long and a short window, so that an alert ends soon after its cause."""

    rate: float
    long: str
    short: str
    severity: str
    wait: str
    spends: str
    """How much of the budget is spent when it is noticed."""


BURNS = (
    Burn(14.4, "1h", "5m", "page", "2m", "2% of the month's budget in an hour"),
    Burn(6, "6h", "30m", "page", "15m", "5% of the month's budget in six hours"),
    Burn(3, "1d", "2h", "ticket", "1h", "10% of the month's budget in a day"),
    Burn(1, "3d", "6h", "ticket", "3h", "10% of the month's budget in three days"),
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", f"{DAYS}d")

JOINS = 'method=~"/groupbuy.team_formation.v1.TeamFormation/(OpenTeam|JoinTeam|JoinTeams)"'
FAULTS = 'code=~"UNAVAILABLE|INTERNAL|UNKNOWN|DEADLINE_EXCEEDED|DATA_LOSS"'


def _slower(histogram: str, selector: str, bound: str) -> str:
    """Count what took longer than a bound of a histogram."""
    inner = f"{selector}, " if selector else ""
    every = f"{{{selector}}}" if selector else ""
    return (
        f'sum(rate({histogram}_count{every}[$window])) - sum(rate({histogram}_bucket{{{inner}le="{bound}"}}[$window]))'
    )


SLOS = (
    Slo(
        "joins-answered",
        "JoinsFail",
        0.999,
        "99.9% of calls that open or join a team are answered: neither UNAVAILABLE, shed among it, nor a fault of ours."
        " A refusal by a rule or by a platform's own limit is an answer.",
        f"sum(rate(groupbuy_rpc_seconds_count{{{JOINS}, {FAULTS}}}[$window]))",
        f"sum(rate(groupbuy_rpc_seconds_count{{{JOINS}}}[$window]))",
    ),
    Slo(
        "joins-fast",
        "JoinsSlow",
        0.99,
        "99% of calls that open or join a team end within half a second.",
        _slower("groupbuy_rpc_seconds", JOINS, "0.5"),
        f"sum(rate(groupbuy_rpc_seconds_count{{{JOINS}}}[$window]))",
    ),
    Slo(
        "prices-told",
        "PricesLate",
        0.99,
        "99% of prices are in Kafka within five seconds of the seat that moved them.",
        _slower("groupbuy_relay_delay_seconds", 'topic="groupbuy.price.v1"', "5.0"),
        'sum(rate(groupbuy_relay_delay_seconds_count{topic="groupbuy.price.v1"}[$window]))',
    ),
    Slo(
        "messages-sent",
        "MessagesLate",
        0.99,
        "99% of attempts to send a message have ended within two minutes of its turn.",
        _slower("groupbuy_delivery_delay_seconds", "", "120.0"),
        "sum(rate(groupbuy_delivery_delay_seconds_count[$window]))",
    ),
)

_NOW = " now {{ $value | humanizePercentage }} are bad."
HEAD = """\
# Made by `.venv/bin/python -m tools.observability` from tools/observability/slos.py: do not edit.
# The objectives of docs/slo.md: how much was bad in each window, and alerts on how fast the budget burns.
"""


def rules() -> str:
    """Write the rules as Prometheus reads them."""
    return HEAD + "groups:\n" + "".join([*_recording(), *_alerting()])


def _recording() -> Iterator[str]:
    for window in WINDOWS:
        is_long = window.endswith("d")
        yield f"  - name: groupbuy-slo-{window}\n    interval: {'5m' if is_long else '30s'}\n    rules:\n"
        for slo in SLOS:
            yield f"      - record: groupbuy:slo_errors:ratio_rate{window}\n        labels: {{slo: {slo.name}}}\n"
            yield f"        expr: |-\n          ({_in(slo.bad, window)} or vector(0))\n"
            yield f"            / {_in(slo.all, window)}\n"
        if window == WINDOWS[0]:
            for slo in SLOS:
                yield f"      - record: groupbuy:slo_budget:ratio\n        labels: {{slo: {slo.name}}}\n"
                yield f"        expr: vector({slo.budget:g})\n"


def _in(expression: str, window: str) -> str:
    return expression.replace("$window", window)


def _alerting() -> Iterator[str]:
    yield "  - name: groupbuy-slo-alerts\n    rules:\n"
    for slo in SLOS:
        for burn in BURNS:
            bound = f"{burn.rate * slo.budget:g}"
            errors = f'groupbuy:slo_errors:ratio_rate%s{{slo="{slo.name}"}} > {bound}'
            yield f"      - alert: {slo.alert}\n"
            yield f"        expr: {errors % burn.long} and {errors % burn.short}\n"
            yield f"        for: {burn.wait}\n"
            yield f"        labels: {{severity: {burn.severity}, slo: {slo.name}, window: {burn.long}}}\n"
            yield "        annotations:\n"
            yield f"          summary: >-\n            {slo.name} burns {burn.spends};{_NOW}\n"
            yield f"          description: >-\n            {slo.sentence}\n"
            yield f"          runbook_url: docs/runbooks/{slo.alert}.md\n"
