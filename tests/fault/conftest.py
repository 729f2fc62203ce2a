"""Figures of the fault tests: what was killed, what was acknowledged, what was lost; printed at the end of the run."""

from collections.abc import Callable

import pytest

_FIGURES: list[str] = []


@pytest.fixture
def figures() -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return _FIGURES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    if _FIGURES:
        terminalreporter.section("faults")
        terminalreporter.write_line("\n".join(_FIGURES))
