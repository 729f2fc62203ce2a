"""The counts of the forgeries, at the end of the run."""

from collections.abc import Callable

import pytest

_LINES: list[str] = []


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return _LINES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines."""
    if _LINES:
        terminalreporter.section("forged webhooks")
        terminalreporter.write_line("\n".join(_LINES))
