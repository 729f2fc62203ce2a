"""The driver's side of the client: gives it jobs, reads the CPU of the servers at both ends of the window."""

import asyncio
import base64
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tests.bench.cpu import Meter, spent
from tests.bench.errors import BenchError
from tests.bench.paths import environment
from tests.bench.reading_pages import PageJob
from tests.bench.watching import LAST_SECONDS, OPEN_SECONDS, WatchJob

SLACK_SECONDS = 60.0


@dataclass(frozen=True)
class Job:
    """Load on one method. `kind` is closed (callers) or open (rate); `bundle` joins make one call, 0: one does.

    With `http` the templates are paths that are got over HTTP; with `slack_secret` besides they are bodies, which are
    posted to `path` as Slack signs them.
    """

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
    http: bool = False
    slack_secret: str = ""
    limited: bool = False
    """Whether calls may be refused by a limit; they are counted then."""

    def line(self) -> bytes:
        """Write it for the client."""
        fields = {**vars(self), "templates": [base64.b64encode(raw).decode() for raw in self.templates]}
        return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True)
class Outcome:
    """What came of a job, with the CPU seconds that each program spent meanwhile; calls of a bundle count each."""

    calls: int
    seconds: float
    cpu: dict[str, float]
    latency: dict[str, float]
    late: dict[str, float]
    bundle: int = 0
    answered: int = 0
    """Calls that were answered in all, also before the window began and after it ended."""
    offered: int = 0
    """Calls of an open loop that were made in the window."""
    delivered: int = 0
    """Calls that were made in the window, and answered without trouble before their time limit of ten seconds."""
    refused: int = 0
    """Calls that a limit refused in the window."""

    @property
    def elsewhere(self) -> float:
        """CPU seconds that this machine spent on anything that is not measured: much of it spoils a figure."""
        return max(self.cpu["machine"] - sum(spent for name, spent in self.cpu.items() if name != "machine"), 0.0)

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

    async def run(self, job: Job, meter: Meter) -> Outcome:
        """Do a job; BenchError if any call of it was refused or failed."""
        said, cpu = await self._work(job.line(), meter, job.warm + job.seconds)
        if not said["calls"]:
            raise BenchError(f"No call to {job.path} was answered within {job.seconds:g} s.")
        each = job.bundle or 1
        calls, answered = said["calls"] * each, said["answered"] * each
        more = said["offered"], said["delivered"], said["refused"]
        return Outcome(calls, said["seconds"], cpu, said["latency"], said["late"], job.bundle, answered, *more)

    async def watch(
        self, job: WatchJob, meter: Meter, heard: Callable[[str], None]
    ) -> tuple[list[dict[str, Any]], dict[str, float]]:
        """Do a job of readers; gives what each round measured, and the CPU seconds of each program in all of them."""
        said, cpu = await self._work(job.line(), meter, OPEN_SECONDS + job.rounds * (job.seconds + LAST_SECONDS), heard)
        return said["rounds"], cpu

    async def read_pages(
        self, job: PageJob, meter: Meter, heard: Callable[[str], None]
    ) -> tuple[list[dict[str, Any]], dict[str, float]]:
        """Do a job of readers of a page; gives what each round measured, and the CPU seconds in all of them."""
        said, cpu = await self._work(job.line(), meter, OPEN_SECONDS + job.rounds * (job.seconds + LAST_SECONDS), heard)
        return said["rounds"], cpu

    async def _work(
        self, line: bytes, meter: Meter, seconds: float, heard: Callable[[str], None] = lambda _: None
    ) -> tuple[dict[str, Any], dict[str, float]]:
        """Hand over a job; gives what the client said of it, and the CPU seconds of each program in its window."""
        process = self._process
        if process is None or process.stdin is None:
            raise BenchError("The client does not run.")
        process.stdin.write(line)
        readings = []
        async with asyncio.timeout(seconds + SLACK_SECONDS):
            while not isinstance(said := await self._line(process), dict):
                heard(said)
                if said in ("begin", "end"):
                    readings.append(meter.read())
        if said["failures"]:
            why = "; ".join(f"{count} times {text}" for text, count in said["failures"].items())
            raise BenchError(f"Not everything was accepted: {why}.")
        cpu = {**spent(readings[0], readings[-1]), "client": cast("float", said["cpu_seconds"])}
        return said, cpu

    async def _line(self, process: Process) -> dict[str, Any] | str:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise BenchError("The client has ended before its job was done; it said why above.")
        return cast("dict[str, Any] | str", json.loads(line))
