"""The whole engine for tests that do harm to it, ports for more of it, and a line for the end of the run."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from deploy.local.stack.ports import DEFAULTS
from tests.support.stacks import a_stack, free_ports
from tests.support.told import tell


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """The whole engine, on the local broker."""
    async with a_stack(tmp_path / "data") as running:
        yield running


@pytest.fixture
def chosen_ports() -> dict[str, int]:
    """Ports for the parts of a stack that a test starts itself."""
    return dict(zip(DEFAULTS, free_ports(len(DEFAULTS)), strict=True))


@pytest.fixture(name="free_ports")
def _free_ports() -> Callable[[int], list[int]]:
    """Gives ports for a part that a test adds."""
    return free_ports


@pytest.fixture
def figures() -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return lambda line: tell("faults and outages", line)
