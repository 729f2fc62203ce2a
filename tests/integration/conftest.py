"""What integration tests share: databases on a real PostgreSQL, and what is told at the end of a run."""

import pytest

from tests.support.database import database, database_server
from tests.support.told import TOLD

__all__ = ["database", "database_server"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have counted."""
    for section, sentences in TOLD.items():
        terminalreporter.section(section)
        for sentence in sentences:
            terminalreporter.write_line(sentence)
