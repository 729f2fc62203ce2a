"""What integration tests share: databases on a real PostgreSQL, and what is told at the end of a run."""

from collections.abc import Callable

import pytest

from tests.support.database import database, database_server
from tests.support.told import tell

__all__ = ["database", "database_server"]


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line of the matrix for the end of the run."""
    return lambda line: tell("matrix of RPCs and keys", line)
