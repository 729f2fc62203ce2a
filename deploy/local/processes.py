"""Look at the processes of this machine: alive, since when, where, how much memory.

psutil comes with the PostgreSQL wheel, which needs it. An image has neither, so it is imported where it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True)
class Process:
    """One process as the system shows it now; `started` is in seconds since 1970, `resident` in bytes."""

    pid: int
    name: str
    argv: tuple[str, ...]
    folder: Path | None
    started: float
    resident: int


def look(pid: int) -> Process | None:
    """What the system says of `pid`; None if there is no such process, or only a zombie of it."""
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return Process(
                pid,
                str(process.name()),
                tuple(process.cmdline()),
                _folder(process),
                float(process.create_time()),
                int(process.memory_info().rss),
            )
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return None


def resident(pid: int, *, alone: bool = False) -> int:
    """The resident memory of `pid` in bytes, 0 if it is gone; unless `alone`, with all its descendants.

    Where there are descendants, pages that processes share are counted in proportion, so that each counts once.
    """
    import psutil  # noqa: PLC0415

    try:
        top = psutil.Process(pid)
        children = [] if alone else top.children(recursive=True)
        if not children:
            return int(top.memory_info().rss)
        return sum(_proportional(process) for process in [top, *children])
    except psutil.Error:
        return 0


def _proportional(process: psutil.Process) -> int:
    import psutil  # noqa: PLC0415

    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    except psutil.Error:
        return 0


def _folder(process: psutil.Process) -> Path | None:
    import psutil  # noqa: PLC0415

    try:
        return Path(process.cwd())
    except psutil.Error:
        return None
