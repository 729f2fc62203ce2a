"""Dashboards and alerts: in step with what makes them, and nothing in them asks for what no code tells."""

import re
from collections.abc import Iterator

import pytest
import yaml

from deploy.cli import main as groupbuy
from services.notification.domain import State
from tests.support import label_values, promql
from tests.support.rules import ALERTS, DASHBOARDS, RUNBOOKS, alerts, asked, dashboards, rules, targets
from tools.metrics import metrics
from tools.observability.__main__ import files
from tools.observability.slos import BURNS, SLOS

TARGET_LABELS = {"service", "instance", "job"}
"""Who scrapes adds them (docs/observability.md)."""
OF_PROMETHEUS = {"up": set[str](), "process_cpu_seconds_total": set[str](), "process_resident_memory_bytes": set[str]()}
SERVICES = {"team_formation", "pricing", "notification", "demand"}
OUTCOMES = {
    "groupbuy_deliveries_total": {state.lower() for state in State},
    "groupbuy_consumer_events_total": {"applied", "repeated", "filled", "gap", "parked", "unreadable"},
}
EXPRESSIONS = sorted(set(asked()))


def known() -> dict[str, set[str]]:
    """The labels of every series: those of the services, what rules record, what Prometheus has itself."""
    series = {name: set(metric.labels) for metric in metrics() for name in metric.series}
    for name in series:
        if name.endswith("_bucket"):
            series[name] |= {"le"}
    recorded = {rule["record"]: set(rule.get("labels", {})) for rule in rules() if "record" in rule}
    return series | recorded | OF_PROMETHEUS


def test_every_file_is_what_the_tool_makes() -> None:
    made = files()
    different = [path.name for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    assert different == [], "run .venv/bin/python -m tools.observability"
    assert {path for path in made if path.suffix == ".json"} == set(DASHBOARDS.glob("*.json"))


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_an_expression_asks_for_what_is_told(where: str, expression: str) -> None:
    """No dead panel and no dead alert: each metric is one of the code's, with those labels and such values."""
    assert list(problems(expression)) == [], where


def problems(expression: str) -> Iterator[str]:
    """List what an expression asks for in vain."""
    read, series = promql.read(expression), known()
    if not read.selectors and expression.startswith("vector("):
        return
    labels = TARGET_LABELS.union(*(series.get(selector.name, set()) for selector in read.selectors))
    yield from (f"no metric {selector.name}" for selector in read.selectors if selector.name not in series)
    yield from (f"nothing has the label {label}" for label in read.groupings - labels)
    for selector in read.selectors:
        for label, operator, value in selector.matchers:
            if label not in series.get(selector.name, set()) | TARGET_LABELS:
                yield f"{selector.name} has no label {label}"
            else:
                yield from _in_vain(selector.name, label, operator, value)


def _in_vain(name: str, label: str, operator: str, value: str) -> Iterator[str]:
    """List values that a label never has."""
    values = promql.alternatives(value) if operator.endswith("~") else [value]
    for one in values:
        if label == "service":
            good = one in SERVICES or not one
        elif label == "le":
            good = any(abs(float(one) - bound) < 1e-9 for bound in _bounds(name))
        elif label == "outcome":
            good = one in OUTCOMES[name]
        elif label == "slo":
            good = one in {slo.name for slo in SLOS}
        else:
            good = label_values.ALLOWED[label](one)
        if not good:
            yield f"{name} never has {label}={one!r}"


def _bounds(name: str) -> tuple[float, ...]:
    """List the bounds of a histogram: a rule that asks for another one would find nothing."""
    return next(metric.bounds for metric in metrics() if f"{metric.name}_bucket" == name)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("rate(groupbuy_nothing_total[5m])", "no metric groupbuy_nothing_total"),
        ("sum by (team) (groupbuy_parked_keys)", "nothing has the label team"),
        ('groupbuy_parked_keys{topic="x"}', "groupbuy_parked_keys has no label topic"),
        ('groupbuy_facts_total{fact="SeatSold"}', "groupbuy_facts_total never has fact='SeatSold'"),
        ('groupbuy_facts_total{fact=~"SeatHeld|SeatSold"}', "groupbuy_facts_total never has fact='SeatSold'"),
        ('groupbuy_rpc_seconds_bucket{le="0.3"}', "groupbuy_rpc_seconds_bucket never has le='0.3'"),
        ('groupbuy_deliveries_total{outcome="lost"}', "groupbuy_deliveries_total never has outcome='lost'"),
        ('up{service="teams"}', "up never has service='teams'"),
    ],
)
def test_what_is_asked_for_in_vain_is_noticed(expression: str, problem: str) -> None:
    assert list(problems(expression)) == [problem]


@pytest.mark.parametrize("metric", [one for one in metrics() if one.kind == "gauge"], ids=lambda one: one.name)
def test_what_each_replica_tells_of_the_whole_database_is_never_added_up(metric: object) -> None:
    name = getattr(metric, "name", "")
    added = [where for where, text in EXPRESSIONS if re.search(rf"sum( by \([^)]*\))? \({name}\b", text)]
    taken = [where for where, text in EXPRESSIONS if re.search(rf"max( by \([^)]*\))? ?\({name}\b", text)]
    if "take the max" in getattr(metric, "meaning", ""):
        assert added == []
        assert taken, "no panel and no alert looks at it"


def test_every_metric_is_looked_at_somewhere() -> None:
    shown = {selector.name for _, text in EXPRESSIONS for selector in promql.read(text).selectors}
    unseen = [metric.name for metric in metrics() if not shown & set(metric.series)]
    assert unseen == ["groupbuy_build_info"]


def test_every_alert_has_a_severity_a_summary_and_its_runbook() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(alerts())


@pytest.mark.parametrize("name", sorted(alerts()))
def test_a_runbook_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == [name, "Meaning", "First look", "Remedy"]
    commands = re.findall(r"`groupbuy ([a-z]+(?: [a-z]+)*)", text) + re.findall(
        r"^    groupbuy ([a-z]+(?: [a-z]+)*)", text, re.MULTILINE
    )
    for command in commands:
        _has(command.split())
    for metric in re.findall(r"`(groupbuy_[a-z_]+)", text):
        assert metric in known(), f"{name} names {metric}"


@pytest.mark.parametrize("name", sorted(alerts()))
def test_a_runbook_names_settings_that_exist(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    named = {word.removeprefix("GROUPBUY_").lower() for word in re.findall(r"GROUPBUY_[A-Z_]+", text)}
    assert named <= {name for kind in label_values.SETTINGS for name in kind.model_fields}


def _has(words: list[str]) -> None:
    """Follow the words of a command as far as there are groups of commands."""
    here = groupbuy
    for word in words:
        commands = getattr(here, "commands", None)
        if commands is None:
            return
        assert word in commands, f"there is no groupbuy {' '.join(words)}"
        here = commands[word]


def test_the_pages_name_every_alert_and_objective() -> None:
    page = (RUNBOOKS.parent / "observability.md").read_text(encoding="utf-8")
    objectives = (RUNBOOKS.parent / "slo.md").read_text(encoding="utf-8")
    severities = {
        name: {rule["labels"]["severity"] for rule in rules() if rule.get("alert") == name} for name in alerts()
    }
    for name, found in severities.items():
        listed = re.search(rf"^\| \[{name}\]\(runbooks/{name}\.md\) \| ([a-z, ]+) \|", page, re.MULTILINE)
        assert listed, name
        assert set(listed[1].split(", ")) == found
    for slo in SLOS:
        row = next(line for line in objectives.splitlines() if line.startswith(f"| `{slo.name}`"))
        assert f"| {slo.objective:.1%} |".replace(".0%", "%") in row
    for burn in BURNS:
        assert f"| {burn.rate:g} time" in objectives


def test_each_objective_burns_at_four_rates() -> None:
    burning = [rule for rule in rules() if "slo" in rule.get("labels", {}) and "alert" in rule]
    assert len(burning) == len(SLOS) * len(BURNS)
    assert {slo.alert for slo in SLOS} == {rule["alert"] for rule in burning}


def test_the_operator_gets_the_same_rules() -> None:
    wrapped = yaml.safe_load((ALERTS.parent / "operator" / "prometheusrule.yaml").read_text(encoding="utf-8"))
    assert [rule for group in wrapped["spec"]["groups"] for rule in group["rules"]] == rules()


def test_boards_are_whole() -> None:
    """Ids once, places that do not overlap, and a source that is chosen on the board."""
    uids = [board["uid"] for board in dashboards().values()]
    assert len(uids) == len(set(uids))
    for name, board in dashboards().items():
        assert board["schemaVersion"] >= 41
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert at["x"] + at["w"] <= 24
            assert not cells & taken, f"{name}: {panel['title']} lies over another"
            taken |= cells
        assert all(target["datasource"]["uid"] == "${source}" for _, target in targets(board))
