"""What integration tests share: databases on a real PostgreSQL, and what is told at the end of a run."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.database import database, database_server
from tests.support.label_values import strange_values
from tests.support.told import tell

__all__ = ["database", "database_server"]


@pytest.fixture(scope="module", autouse=True)
def label_values() -> Iterator[None]:
    """Look, after each file, at what metrics were counted under: every value is of a list, and so no id of anybody.

    What was there before is of other kinds of tests, which count under topics of their own.
    """
    before = set(strange_values())
    yield
    assert set(strange_values()) - before == set()


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line of the matrix for the end of the run."""
    return lambda line: tell("matrix of RPCs and keys", line)
