"""How the parts of a stack are: asked of the parts themselves, from any process, and put into words or data."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.lock import FolderLock
from deploy.local.processes import look, resident
from deploy.local.stack.layout import lock_path, run_path
from deploy.local.stack.probe import probe
from deploy.local.stack.run import Run, RunningPart, is_alive

Health = Literal["ok", "not ready", "starting", "down"]

_COLUMNS = ("part", "health", "address", "pid", "memory", "up", "restarts")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True)
class PartStatus:
    """One part: `resident_bytes` and `uptime_seconds` are None where the process is not ours."""

    name: str
    health: Health
    address: str
    pid: int | None
    resident_bytes: int | None
    uptime_seconds: float | None
    restarts: int


@dataclass(frozen=True)
class StackStatus:
    """A stack: `pid` is the supervisor's, None if nothing runs; `ready` once it was started completely."""

    data: str
    pid: int | None
    ready: bool
    ready_seconds: float | None
    parts: list[PartStatus]

    @property
    def well(self) -> bool:
        """Whether everything runs and is well."""
        return self.ready and all(part.health == "ok" for part in self.parts)


async def ask_status(data: Path) -> StackStatus:
    """Ask every part of the stack on `data` how it is."""
    pid = FolderLock(lock_path(data)).holder()
    run = Run.load(run_path(data)) if pid else None
    if run is None:
        return StackStatus(str(data), pid, ready=False, ready_seconds=None, parts=[])
    parts = await asyncio.gather(*(_ask(part) for part in run.parts))
    return StackStatus(str(data), pid, run.ready_seconds is not None, run.ready_seconds, [_supervisor(run), *parts])


def table(status: StackStatus) -> list[str]:
    """The parts as lines of text, columns aligned."""
    rows = [_COLUMNS, *(_row(part) for part in status.parts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def in_words(seconds: float) -> str:
    """A length of time in its two largest units: `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 1 h`."""
    whole = int(seconds)
    for unit, name, smaller, smaller_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // smaller} {smaller_name}"
    return f"{whole} s"


async def _ask(part: RunningPart) -> PartStatus:
    well = await probe(part.probe)
    if part.pid is None or not is_alive(part):
        return PartStatus(
            part.name, _health_without_process(part, well=well), part.address, None, None, None, part.restarts
        )
    health: Health = "ok" if well else "not ready"
    uptime = time.time() - part.started
    return PartStatus(part.name, health, part.address, part.pid, resident(part.pid), uptime, part.restarts)


def _health_without_process(part: RunningPart, *, well: bool) -> Health:
    if not part.ours:
        return "ok" if well else "down"
    return "starting" if part.pid is None else "down"


def _supervisor(run: Run) -> PartStatus:
    process = look(run.pid)
    started = process.started if process else time.time()
    return PartStatus("supervisor", "ok", "", run.pid, resident(run.pid, alone=True), time.time() - started, 0)


def _row(part: PartStatus) -> Sequence[str]:
    return (
        part.name,
        part.health,
        part.address or "-",
        str(part.pid or "-"),
        "-" if part.resident_bytes is None else f"{part.resident_bytes / 2**20:.0f} MB",
        "-" if part.uptime_seconds is None else in_words(part.uptime_seconds),
        str(part.restarts),
    )
