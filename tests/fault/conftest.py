"""The whole engine for the fault tests, and their figures, printed at the end of the run."""

import random
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.stack import Stack, StackOptions
from deploy.local.stack.ports import DEFAULTS
from tests.support.told import tell

_FROM, _TO = 12_000, 30_000
"""Below what systems give to connections: the port of a part that was killed must stay free until it is back."""


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """The whole engine, on the local broker."""
    ports = dict(zip(DEFAULTS, _free_ports(len(DEFAULTS)), strict=True))
    running = Stack(StackOptions(data=tmp_path / "data", ports=ports), say=print)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def chosen_ports() -> dict[str, int]:
    """Ports for the parts of a stack that a test starts itself."""
    return dict(zip(DEFAULTS, _free_ports(len(DEFAULTS)), strict=True))


@pytest.fixture
def free_ports() -> Callable[[int], list[int]]:
    """Gives ports for a part that a test adds."""
    return _free_ports


def _free_ports(count: int) -> list[int]:
    """Choose free ports away from the usual ones, which another engine on this machine may want at any moment."""
    chance, found = random.SystemRandom(), list[int]()
    while len(found) < count:
        port = chance.randrange(_FROM, _TO)
        if port not in found and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def figures() -> Callable[[str], None]:
    """Takes a line for the end of the run."""
    return lambda line: tell("faults", line)
