"""Metrics: named as Prometheus asks, explained, on the page, and with labels whose values come from lists that end."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import label_values
from tools.metrics import LABELS, PAGE, ROOT, Metric, metrics, page

UNITS = ("_seconds", "_bytes", "_events", "_info")
COUNTED = {"groupbuy_batch_size", "groupbuy_queue_length"}
"""Sizes that are numbers of commands: they have no unit."""


@pytest.fixture(params=metrics(), ids=lambda metric: metric.name)
def metric(request: pytest.FixtureRequest) -> Metric:
    found: Metric = request.param
    return found


def test_a_name_is_as_prometheus_asks(metric: Metric) -> None:
    assert re.fullmatch(r"groupbuy(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    if metric.kind == "histogram":
        assert metric.name.endswith(UNITS) or metric.name in COUNTED
    assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)(_|$)", metric.name), "base units only"


def test_a_metric_says_what_it_means(metric: Metric) -> None:
    assert metric.meaning.endswith(".")
    assert len(metric.meaning) > 20


def test_a_gauge_of_a_whole_database_says_how_it_is_added_up(metric: Metric) -> None:
    """Each replica tells the same of the database: added up it would be a multiple of what is true."""
    shared = ("_unsent", "_outbox_bytes", "_parked_keys", "_overdue_seconds", "_open_teams", "_deliveries_due")
    if metric.kind == "gauge" and (metric.name.endswith(shared) or "_check_" in metric.name):
        assert "take the max" in metric.meaning


def test_labels_are_those_that_are_listed(metric: Metric) -> None:
    assert set(metric.labels) <= set(LABELS)
    assert set(metric.labels) <= set(label_values.ALLOWED)


def test_no_label_is_listed_for_nothing() -> None:
    used = {label for metric in metrics() for label in metric.labels}
    assert used == set(LABELS) == set(label_values.ALLOWED)


@pytest.mark.parametrize("name", sorted(LABELS))
def test_no_label_takes_an_id(name: str) -> None:
    """Ids of teams and seats, of platforms and keys, codes of invites, and members' ids as shops make them."""
    ids = [
        "team_5Yx0cQ2v7Jm3pN8kRt4wZb",
        "0190f3a4-7b1c-7def-8a90-123456789abc",
        "gbk_3f9a",
        "aB3dE5gH7jK9",
        "member-42",
        "U04AB12CD",
    ]
    assert [value for value in ids if label_values.ALLOWED[name](value)] == []


def test_no_two_metrics_have_one_name() -> None:
    names = [name for metric in metrics() for name in metric.series]
    assert len(names) == len(set(names))


def test_facts_have_short_names_of_their_own() -> None:
    """A counter of facts is labelled by the short name: two facts of one name would be one number."""
    names = [kind.full_name for kind in label_values.fact_kinds()]
    assert len(names) == len({name.rpartition(".")[2] for name in names})


def test_metrics_are_made_in_files_of_that_name_alone() -> None:
    """So the page and the tests of dashboards know every one of them."""
    wrong = [
        str(path.relative_to(ROOT))
        for folder in ("services", "deploy")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if _makes_metrics(path) and (path.name != "metrics.py" or path.parent.parent != ROOT / "services")
    ]
    assert wrong == []


def _makes_metrics(path: Path) -> bool:
    """Tell whether a file calls one of Prometheus' kinds with a name of ours."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_the_page_is_what_the_tool_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run .venv/bin/python tools/metrics.py"
