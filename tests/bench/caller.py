"""The driver's side of the client: gives it jobs, reads the CPU of the servers at both ends of the window."""

import asyncio
import base64
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tests.bench.cpu import Meter, spent
from tests.bench.errors import BenchError
from tests.bench.paths import environment

SLACK_SECONDS = 60.0


@dataclass(frozen=True)
class Job:
    """Load on one method. `kind` is closed (callers) or open (rate); `bundle` requests make one message, 0: none."""

    address: str
    path: str
    key: str
    templates: Sequence[bytes]
    seconds: float
    kind: str = "closed"
    callers: int = 64
    connections: int = 4
    warm: float = 1.0
    rate: float = 0.0
    regular: bool = False
    seed: int = 1
    bundle: int = 0

    def line(self) -> bytes:
        """Write it for the client."""
        fields = {**vars(self), "templates": [base64.b64encode(raw).decode() for raw in self.templates]}
        return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True)
class Outcome:
    """What came of a job, with the CPU seconds that each program spent meanwhile."""

    calls: int
    seconds: float
    cpu: dict[str, float]
    latency: dict[str, float]
    late: dict[str, float]
    answers: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


class Client:
    """The client's process; it ends with this one."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tests.bench.client"), stdin=PIPE, stdout=PIPE, env=environment(), limit=2**28
        )

    async def stop(self) -> None:
        """End it."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            await self._process.wait()

    async def run(self, job: Job, meter: Meter, *, may_fail: bool = False) -> Outcome:
        """Do a job; BenchError if any call of it was refused or failed, unless that may be."""
        said, cpu = await self.work(job.line(), meter, job.warm + job.seconds)
        if said["failures"] and not may_fail:
            why = "; ".join(f"{count} times {text}" for text, count in said["failures"].items())
            raise BenchError(f"Not every call to {job.path} was accepted: {why}.")
        if not said["calls"]:
            raise BenchError(f"No call to {job.path} was answered within {job.seconds:g} s.")
        answers = [base64.b64decode(text) for text in said["answers"]]
        return Outcome(said["calls"], said["seconds"], cpu, said["latency"], said["late"], answers)

    async def work(self, line: bytes, meter: Meter, seconds: float) -> tuple[dict[str, Any], dict[str, float]]:
        """Hand over a job; gives what the client said of it, and the CPU seconds of each program in its window."""
        process = self._process
        if process is None or process.stdin is None:
            raise BenchError("The client does not run.")
        process.stdin.write(line)
        readings = []
        async with asyncio.timeout(seconds + SLACK_SECONDS):
            while not isinstance(said := await self._line(process), dict):
                readings.append(meter.read())
        cpu = {**spent(readings[0], readings[-1]), "client": cast("float", said["cpu_seconds"])}
        return said, cpu

    async def _line(self, process: Process) -> dict[str, Any] | str:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise BenchError("The client has ended before its job was done; it said why above.")
        return cast("dict[str, Any] | str", json.loads(line))
