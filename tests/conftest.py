"""What holds for all tests: a skip is a failure in CI, several run at once, and at the end they are counted by kind."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.support import lanes, told

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# No test asserts a time: neither how long an example takes, nor how long it takes to make one.
settings.register_profile("groupbuy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("groupbuy")

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, let a skipped test fail with the reason of its skip."""
    return without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI, let a module that skips itself fail with the reason of its skip."""
    return without_skip((yield))


def pytest_configure(config: pytest.Config) -> None:
    """Let all workers see sets in one order, another one in each run: they must find the same tests."""
    if not hasattr(config, "workerinput"):
        os.environ.setdefault("PYTHONHASHSEED", str(int.from_bytes(os.urandom(4))))


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests stay together where several run at once, and which begin first."""
    lanes.arrange(items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give what a worker has to tell to the process that began it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput.update(told.give())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker has to tell."""
    told.take(getattr(node, "workeroutput", {}))


def without_skip(report: Report) -> Report:
    """Return the report; as a failure if it is a skip and CI is running, where every tool must be there."""
    if os.environ.get("CI", "").lower() in {"1", "true"} and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"A test must not be skipped in CI. {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted, and the tests by kind."""
    for section, sentences in told.sections().items():
        terminalreporter.section(section)
        terminalreporter.write_line("\n".join(sentences))
    _tell_kinds(terminalreporter)


def _tell_kinds(terminalreporter: pytest.TerminalReporter) -> None:
    """Print for each kind (folder) of test the number by outcome and the seconds, set-up and teardown included."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    seconds: dict[str, float] = defaultdict(float)
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            if not isinstance(report, pytest.TestReport):
                continue
            kind = report.nodeid.split("/")[1] if report.nodeid.count("/") > 1 else "other"
            seconds[kind] += report.duration
            if outcome in OUTCOMES:
                counts[kind][outcome] += 1
    if counts:
        terminalreporter.section("tests by kind")
    for kind in sorted(counts):
        told = ", ".join(f"{counts[kind][outcome]} {outcome}" for outcome in OUTCOMES if counts[kind][outcome])
        terminalreporter.write_line(f"{kind:<12} {told:<40} {seconds[kind]:>8.1f} s")
