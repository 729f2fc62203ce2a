"""The driver's side of the sink: where it listens, and what it took."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.bench.errors import BenchError
from tests.bench.paths import environment

MILLISECONDS = 50
"""After so many it answers."""


class Sink:
    """A sink that runs."""

    def __init__(self, process: Process, ports: dict[str, int]) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{ports['quick']}/messages"
        self.dead = f"127.0.0.1:{ports['dead']}"
        """Where connections are taken and nothing is ever said."""

    async def taken(self) -> list[tuple[str, float]]:
        """Give what it took since this was asked last: the key of each request, and when, in seconds since 1970."""
        if self._process.stdin is None:
            raise BenchError("The sink does not run.")
        self._process.stdin.write(b"\n")
        return [(key, at) for key, at in await _line(self._process)]


@asynccontextmanager
async def a_sink(milliseconds: int = MILLISECONDS) -> AsyncIterator[Sink]:
    """Have a sink run until this ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tests.bench.sink", str(milliseconds)),
        stdin=PIPE,
        stdout=PIPE,
        env=environment(),
        limit=2**28,
    )
    try:
        yield Sink(process, await _line(process))
    finally:
        if process.stdin:
            process.stdin.close()
        await process.wait()


async def _line(process: Process) -> Any:
    line = await process.stdout.readline() if process.stdout else b""
    if not line:
        raise BenchError("The sink has ended; it said why above.")
    return json.loads(line)
