"""The whole engine in a folder of a test, on ports that nobody else wants."""

import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.stack import Stack, StackOptions
from deploy.local.stack.ports import DEFAULTS

_FROM, _TO = 12_000, 30_000
"""Below what systems give to connections: the port of a part that was killed must stay free until it is back."""


@asynccontextmanager
async def a_stack(data: Path) -> AsyncIterator[Stack]:
    """Run the whole engine on the local broker."""
    ports = dict(zip(DEFAULTS, free_ports(len(DEFAULTS)), strict=True))
    running = Stack(StackOptions(data=data, ports=ports), say=print)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


def free_ports(count: int) -> list[int]:
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
