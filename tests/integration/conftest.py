"""What integration tests share: databases on a real PostgreSQL, and the counts of the matrix at the end of the run."""

from collections.abc import Callable

import pytest

from tests.support.database import database, database_server

__all__ = ["database", "database_server"]

_LINES: list[str] = []


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line of the matrix for the end of the run."""
    return _LINES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines."""
    if _LINES:
        terminalreporter.section("matrix of RPCs and keys")
        terminalreporter.write_line("\n".join(_LINES))
