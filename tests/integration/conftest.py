"""What integration tests share: databases on a real PostgreSQL, and what is told at the end of a run."""

from collections.abc import Callable

import pytest

from tests.support.database import database, database_server
from tests.support.told import TOLD, tell

__all__ = ["database", "database_server"]


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line of the matrix for the end of the run."""
    return lambda line: tell("matrix of RPCs and keys", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted."""
    for section, sentences in TOLD.items():
        terminalreporter.section(section)
        for sentence in sentences:
            terminalreporter.write_line(sentence)
