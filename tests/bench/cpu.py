"""CPU seconds of processes, from /proc: a program alone, or with all that it started."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil


def cpu_seconds(pid: int, *, family: bool = False) -> float:
    """Give the CPU seconds of a process so far; with `family`, of its children too, ended ones included."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    total = float(times.user + times.system)
    if family:
        total += float(times.children_user + times.children_system)
        for child in process.children():
            with suppress(psutil.NoSuchProcess):
                own = child.cpu_times()
                total += float(own.user + own.system)
    return total


def started_for(folder: Path) -> int:
    """Give the id of the process of ours whose command names a folder; LookupError where there is none."""
    for child in psutil.Process().children():
        if any(str(folder) in word for word in child.cmdline()):
            return int(child.pid)
    raise LookupError(f"no process of ours works on {folder}")


class Meter:
    """Reads the CPU seconds of programs, of one process or several each; `families` count what they started too."""

    def __init__(self, programs: Mapping[str, Sequence[int]], families: Collection[str]) -> None:
        self._programs = programs
        self._families = families

    def read(self) -> dict[str, float]:
        """CPU seconds of each so far, and of the whole machine as `machine`."""
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
        spent_by = {
            name: sum(cpu_seconds(pid, family=name in self._families) for pid in pids)
            for name, pids in self._programs.items()
        }
        return {**spent_by, "machine": float(busy)}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds of each program between two readings."""
    return {name: after[name] - before[name] for name in after}
