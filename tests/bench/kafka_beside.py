"""Kafka's own way from produce to fetch, timed by a process of its own while something else is measured."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.bench.errors import BenchError
from tests.bench.paths import environment

_SLACK_SECONDS = 60.0


class KafkaBeside:
    """The driver's side of `tests.bench.kafka_client`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def begin(self, seconds: float, rate: float) -> None:
        """Have it produce so many records a second for a while, and time each."""
        if self._process.stdin is None:
            raise BenchError("The Kafka client does not listen.")
        self._process.stdin.write(json.dumps({"seconds": seconds, "rate": rate}).encode() + b"\n")

    async def seen(self, seconds: float) -> Any:
        """Give what it has seen in that while: `own` times in seconds, how many were `lost`, when `others` came."""
        async with asyncio.timeout(seconds + _SLACK_SECONDS):
            line = await self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise BenchError("The Kafka client has ended; it said why above.")
        return json.loads(line)


@asynccontextmanager
async def kafka_beside(bootstrap: str) -> AsyncIterator[KafkaBeside]:
    """Start the process; it ends with this block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tests.bench.kafka_client", bootstrap),
        stdin=PIPE,
        stdout=PIPE,
        env=environment(),
        limit=2**24,
    )
    try:
        beside = KafkaBeside(process)
        await beside.seen(0)
        yield beside
    finally:
        if process.stdin:
            process.stdin.close()
        await process.wait()
