"""What integration tests share: databases on a real PostgreSQL, and what is told at the end of a run."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.database import database, database_server
from tests.support.label_values import strange_values
from tests.support.told import tell

__all__ = ["database", "database_server"]


@pytest.fixture(scope="session", autouse=True)
def label_values() -> Iterator[None]:
    """Look, after all tests, at what metrics were counted under: every value is of a list, and so no id of anybody."""
    yield
    assert list(strange_values()) == []


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line of the matrix for the end of the run."""
    return lambda line: tell("matrix of RPCs and keys", line)
