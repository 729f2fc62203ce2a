"""Every alert fires when it should and keeps silent when it should, by promtool; every expression is PromQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.promtool import promtool
from tests.support.rules import ALERTS, alerts, asked
from tests.support.told import tell

JOIN = 'method="/groupbuy.team_formation.v1.TeamFormation/JoinTeam"'
SERVICES = ("team_formation", "pricing", "notification")
ALL_UP = {f'up{{service="{name}", instance="a"}}': "1x300" for name in SERVICES}
CHECKED = {"groupbuy_check_finished_timestamp_seconds": "0+60x300"}

AT_WORK = {f'groupbuy_consumer_lag_events{{service="{name}", topic="a"}}': "0x30" for name in SERVICES} | {
    f'groupbuy_overdue_seconds{{service="{name}", timer="a"}}': "0x30" for name in SERVICES
}


@dataclass(frozen=True, slots=True)
class Case:
    """Series, a value each minute, with which an alert fires at the end, and others with which it does not."""

    alert: str
    fires: Mapping[str, str]
    silent: Mapping[str, str]
    minutes: int = 30
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the firing one says it is about."""
    silent_as: Mapping[str, str] = field(default_factory=dict)
    """Of the alert's rules these alone are silent."""


def joins(bad: int, code: str = "UNAVAILABLE", minutes: int = 90, good: int = 100) -> dict[str, str]:
    """A hundred calls a minute, or so many, and bad ones besides."""
    return {
        f'groupbuy_rpc_seconds_count{{service="team_formation", {JOIN}, code="OK"}}': f"0+{good}x{minutes}",
        f'groupbuy_rpc_seconds_count{{service="team_formation", {JOIN}, code="{code}"}}': f"0+{bad}x{minutes}",
    }


def slow(histogram: str, labels: str, bound: str, slow_ones: int, minutes: int = 90) -> dict[str, str]:
    """A hundred observations a minute, of which so many are above a bound."""
    return {
        f"{histogram}_count{{{labels}}}": f"0+100x{minutes}",
        f'{histogram}_bucket{{{labels}, le="{bound}"}}': f"0+{100 - slow_ones}x{minutes}",
    }


PRICE = 'service="pricing", topic="groupbuy.price.v1"'
EMAIL = 'service="notification", channel="email"'
OUTBOX = 'groupbuy_outbox_oldest_unsent_seconds{service="pricing", instance="%s"}'
PARKED = 'groupbuy_parked_keys{service="pricing", instance="%s"}'
GAPS = 'groupbuy_consumer_events_total{service="notification", topic="groupbuy.team.v1", outcome="gap"}'
DUE = 'groupbuy_overdue_seconds{service="team_formation", timer="due teams"}'
BROKEN = 'groupbuy_check_violations{invariant="2_one_leader", instance="%s"}'
SHED = 'groupbuy_shed_total{service="team_formation", queue="teams"}'
TIMER = 'groupbuy_timer_failures_total{service="pricing", timer="keeper"}'
WAITING = 'groupbuy_database_waiting{service="pricing", instance="a"}'
REFUSED = 'groupbuy_refusals_total{service="pricing", reason="%s"}'
ENDED = 'groupbuy_deliveries_total{service="notification", channel="email", outcome="%s"}'

# ruff: noqa: E501 - a case in a line or two
CASES = [
    Case("ServiceDown", {**ALL_UP, 'up{service="pricing", instance="a"}': "1x10 0x20"}, ALL_UP, labels={"service": "pricing"}),
    Case("ServiceDown", {name: up for name, up in ALL_UP.items() if "notification" not in name},
         {**ALL_UP, 'up{service="pricing", instance="b"}': "0x30"}, labels={"service": "notification"}),
    Case("ProcessDown", {**ALL_UP, 'up{service="pricing", instance="b"}': "0x30"},
         {**ALL_UP, 'up{service="pricing", instance="b"}': "1x21 0x9"}, labels={"instance": "b"}),
    Case("PartMissing", {name: told for name, told in AT_WORK.items() if "lag_events" not in name or "pricing" not in name}, AT_WORK,
         labels={"service": "pricing", "part": "consumer"}),
    Case("PartMissing", {**AT_WORK, 'groupbuy_overdue_seconds{service="notification", timer="a"}': "0x10 stale"}, AT_WORK,
         labels={"service": "notification", "part": "timers"}),
    Case("OutboxNotDrained", {OUTBOX % "a": "0+30x30", OUTBOX % "b": "0x30"}, {OUTBOX % "a": "0 90 0 0x30"}, labels={"service": "pricing"}),
    Case("ConsumerBehind", {'groupbuy_consumer_lag_seconds{service="pricing"}': "70x30"},
         {'groupbuy_consumer_lag_seconds{service="pricing"}': "0 50x30"}, labels={"service": "pricing"}),
    # a scrape that meets the moment between two batches ends nothing
    Case("ConsumerBehind", {'groupbuy_consumer_lag_seconds{service="pricing"}': "70 70 0 70 70 0 70 70 0 70x21"},
         {'groupbuy_consumer_lag_seconds{service="pricing"}': "0 50x30"}),
    Case("BatchesFail", {'groupbuy_consumer_failures_total{service="pricing"}': "0+1x30"},
         {'groupbuy_consumer_failures_total{service="pricing"}': "0x20 3x10"}),
    # two replicas say the same, and it is no more for that
    Case("KeysParked", {PARKED % "a": "1x30", PARKED % "b": "1x30"}, {PARKED % "a": "0x30"}),
    Case("ManyKeysParked", {PARKED % "a": "21x30"}, {PARKED % "a": "20x30", PARKED % "b": "20x30"}),
    Case("EventsMissed", {GAPS: "0x25 1x5"}, {GAPS: "0x5 1x25"}, labels={"topic": "groupbuy.team.v1"}),
    Case("TimerOverdue", {DUE: "400x30"}, {DUE: "0x20 200x10"}, labels={"timer": "due teams"}),
    Case("TimerFails", {TIMER: "0+2x30"}, {TIMER: "0x20 5x10"}),
    Case("CallsShed", {SHED: "0x20 0+60x10"}, {SHED: "0 1000x30"}),
    Case("CallsFailInternally", {REFUSED % "INTERNAL": "0x25 1x5"},
         {REFUSED % "INTERNAL": "0x30", REFUSED % "TEAM_FULL": "0+50x30"}),
    Case("ConnectionsShort", {WAITING: "3x30"}, {WAITING: "3 0 5 0 7 0 3 0 9 0 3 0 9 0 3 0 9 0 3 0 9 0 3 0 9 0 3 0 9 0 9"}),
    Case("MessagesDie", {ENDED % "sent": "0+2x40", ENDED % "dead": "0+1x40"}, {ENDED % "sent": "0+20x40", ENDED % "dead": "0+1x40"},
         minutes=40, labels={"channel": "email"}),
    Case("InvariantBroken", {BROKEN % "a": "3x30", BROKEN % "b": "3x30"}, {BROKEN % "a": "3x20 0x10"}, labels={"invariant": "2_one_leader"}),
    Case("CheckNotRun", {"groupbuy_check_finished_timestamp_seconds": "60x200"}, CHECKED, minutes=200),
    Case("CheckNotRun", ALL_UP, CHECKED),
    Case("CheckNotRun", {'groupbuy_check_finished_timestamp_seconds{instance="a"}': "0x200"}, CHECKED, minutes=200),
    # 14.4 times 0.1% are 1.44%: five of 105 are more; one of 10001 is less than 0.1%, and no rate burns
    Case("JoinsFail", joins(5), joins(1, good=10_000), minutes=80, labels={"severity": "page", "window": "1h"}),
    Case("JoinsFail", joins(1, minutes=400), joins(5, "RESOURCE_EXHAUSTED", minutes=400), minutes=400,
         labels={"severity": "page", "window": "6h"}),
    # the cause is over for half an hour: the short windows end the page
    Case("JoinsFail", joins(5), {**joins(0, minutes=110), f'groupbuy_rpc_seconds_count{{{JOIN}, code="INTERNAL"}}': "0+5x60 300x50"},
         minutes=100, silent_as={"severity": "page"}),
    Case("JoinsSlow", slow("groupbuy_rpc_seconds", f'{JOIN}, code="OK"', "0.5", 20),
         slow("groupbuy_rpc_seconds", f'{JOIN}, code="OK"', "0.5", 1), minutes=80, labels={"severity": "page"}),
    Case("PricesLate", slow("groupbuy_relay_delay_seconds", PRICE, "5.0", 20),
         slow("groupbuy_relay_delay_seconds", PRICE, "5.0", 1), minutes=80, labels={"slo": "prices-told"}),
    Case("MessagesLate", slow("groupbuy_delivery_delay_seconds", EMAIL, "120.0", 20),
         slow("groupbuy_delivery_delay_seconds", EMAIL, "120.0", 1), minutes=80, labels={"slo": "messages-sent"}),
]  # fmt: skip


def test_every_alert_has_a_case() -> None:
    assert {case.alert for case in CASES} == set(alerts())


@pytest.mark.parametrize("name", ["engine", "slo"])
def test_every_alert_fires_when_it_should_and_only_then(name: str, tmp_path: Path) -> None:
    file = ALERTS / f"{name}.yaml"
    own = [case for case in CASES if f"alert: {case.alert}\n" in file.read_text(encoding="utf-8")]
    tests = [_test(case, number, fires=fires) for number, case in enumerate(own) for fires in (True, False)]
    played = tmp_path / "cases.yaml"
    played.write_text(yaml.safe_dump({"rule_files": [str(file)], "evaluation_interval": "1m", "tests": tests}))
    result = promtool("test", "rules", played)
    assert result.returncode == 0, result.stderr + result.stdout
    tell("alert rules", f"{file.name}: {len(tests)} histories by promtool: {result.stdout.split()[-1]}")


def _test(case: Case, number: int, *, fires: bool) -> dict[str, Any]:
    series = case.fires if fires else case.silent
    chosen = {"alertname": case.alert, "alertstate": "firing", **(case.labels if fires else case.silent_as)}
    matchers = ", ".join(f'{label}="{value}"' for label, value in chosen.items())
    firing = {"expr": f"count(ALERTS{{{matchers}}}) > bool 0", "eval_time": f"{case.minutes - 1}m"}
    return {
        "name": f"{number}: {case.alert} {'fires' if fires else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{**firing, "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}],
    }


def test_what_an_alert_says_is_filled_in(tmp_path: Path) -> None:
    rule = alerts()["OutboxNotDrained"]
    told = {**rule["annotations"], "summary": "Events of pricing wait for Kafka since 10m 0s."}
    test = {
        "interval": "1m",
        "input_series": [{"series": OUTBOX % "a", "values": "600x10"}],
        "alert_rule_test": [
            {
                "eval_time": "8m",
                "alertname": "OutboxNotDrained",
                "exp_alerts": [
                    {"exp_labels": {"severity": "page", "service": "pricing"}, "exp_annotations": told},
                ],
            }
        ],
    }
    played = tmp_path / "said.yaml"
    played.write_text(yaml.safe_dump({"rule_files": [str(ALERTS / "engine.yaml")], "tests": [test]}))
    result = promtool("test", "rules", played)
    assert result.returncode == 0, result.stderr + result.stdout


def test_a_history_that_is_expected_wrongly_is_noticed(tmp_path: Path) -> None:
    case = CASES[0]
    wrong = _test(Case(case.alert, case.silent, case.fires), 0, fires=True)
    played = tmp_path / "wrong.yaml"
    played.write_text(yaml.safe_dump({"rule_files": [str(ALERTS / "engine.yaml")], "tests": [wrong]}))
    assert promtool("test", "rules", played).returncode != 0


def test_rules_are_read_by_prometheus() -> None:
    result = promtool("check", "rules", *sorted(ALERTS.glob("*.yaml")))
    assert result.returncode == 0, result.stderr
    assert "duplicate" not in result.stdout


def test_what_every_panel_asks_is_promql(tmp_path: Path) -> None:
    expressions = sorted({expression for _, expression in asked()})
    rules = [{"record": f"panel:number:{number}", "expr": text} for number, text in enumerate(expressions)]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    result = promtool("check", "rules", path)
    assert result.returncode == 0, result.stderr
    tell("alert rules", f"{len(expressions)} expressions of dashboards and rules are PromQL, by promtool")


def test_what_is_no_promql_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": [{"record": "a", "expr": "sum by (x (up)"}]}]}))
    assert promtool("check", "rules", path).returncode != 0


@pytest.fixture(autouse=True)
def _needs_promtool() -> None:
    promtool("--version")
