"""The counts of the privacy suite at the end of the run."""

from collections.abc import Callable

import pytest

from tests.support.told import counter


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Takes what a test has counted, for the end of the run."""
    return counter("privacy", request)
