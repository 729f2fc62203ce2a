"""The whole engine for the fault tests, and their figures, printed at the end of the run."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.stack import Stack, StackOptions

_FIGURES: list[str] = []


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """The whole engine, on the local broker."""
    running = Stack(StackOptions(data=tmp_path / "data"), say=print)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def figures() -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return _FIGURES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    if _FIGURES:
        terminalreporter.section("faults")
        terminalreporter.write_line("\n".join(_FIGURES))
