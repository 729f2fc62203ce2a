"""The counts of the forgeries, at the end of the run."""

from collections.abc import Callable

import pytest

from tests.support.told import tell


@pytest.fixture
def counted() -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return lambda line: tell("forged webhooks", line)
