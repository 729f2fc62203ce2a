"""The counts of the privacy suite at the end of the run."""

from collections.abc import Callable

import pytest

_COUNTS: list[str] = []


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Takes what a test has counted, for the end of the run."""

    def count(**numbers: object) -> None:
        name = request.node.name.removeprefix("test_").replace("_", " ")
        _COUNTS.append(
            f"{name}: " + ", ".join(f"{what.replace('_', ' ')} {number}" for what, number in numbers.items())
        )

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted."""
    if _COUNTS:
        terminalreporter.section("privacy")
    for line in _COUNTS:
        terminalreporter.write_line(line)
