"""What runs now: the supervisor's note for `status`, `down` and the next `up`, and how leftovers are ended by it."""

import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.files import write_private
from deploy.local.processes import look


@dataclass(frozen=True)
class RunningPart:
    """One part: a process of ours, between two processes where `pid` is None, or a server that we only use.

    `started` (seconds since 1970) makes the process id unmistakable: ids are used again.
    """

    name: str
    address: str
    probe: str
    pid: int | None = None
    started: float = 0.0
    restarts: int = 0
    ours: bool = True


@dataclass(frozen=True)
class Run:
    """The content of run.json; `ready_seconds` is how long the start took, None before that; `error` why it failed.

    `database_url` and `bootstrap` are the servers in use, with what is needed to enter them: the file is private.
    """

    pid: int
    parts: list[RunningPart] = field(default_factory=list)
    ready_seconds: float | None = None
    error: list[str] | None = None
    database_url: str = ""
    bootstrap: str = ""

    @classmethod
    def load(cls, path: Path) -> "Run | None":
        """Read `path`; None if there is none or it is not readable as one."""
        try:
            data = json.loads(path.read_text())
            return cls(**{**data, "parts": [RunningPart(**part) for part in data["parts"]]})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def save(self, path: Path) -> None:
        """Write this to `path`."""
        write_private(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")


def note(name: str, address: str, probe: str, pid: int | None, restarts: int) -> RunningPart:
    """Describe a part whose process is `pid`."""
    process = look(pid) if pid else None
    if process is None:
        return RunningPart(name, address, probe, restarts=restarts)
    return RunningPart(name, address, probe, process.pid, process.started, restarts)


def is_alive(part: RunningPart) -> bool:
    """Whether the very process that was noted still runs."""
    process = look(part.pid) if part.pid else None
    return process is not None and abs(process.started - part.started) < 1.0


def end_leftovers(parts: Sequence[RunningPart]) -> list[str]:
    """Kill the processes that a killed supervisor left behind; give their names. Their data survive kill -9."""
    ended = []
    for part in parts:
        if part.pid is not None and is_alive(part):
            with contextlib.suppress(ProcessLookupError):
                os.kill(part.pid, signal.SIGKILL)
            ended.append(part.name)
    return ended
