"""A server that an earlier start left behind on a data directory: recognise it and end it, or clear its traces."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from deploy.local.processes import look

_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02


async def end_leftover(folder: Path) -> None:
    """End a server that still runs on `folder`; forget a process id that is not its server's any more.

    PostgreSQL recovers from a stale postmaster.pid by itself unless the id is alive again (a zombie counts for it).
    """
    pid = _named(folder)
    if pid is None:
        return
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if not _serves(pid, folder):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        await _ended(pid, folder)
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _named(folder: Path) -> int | None:
    try:
        return int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, folder: Path) -> bool:
    process = look(pid)
    return process is not None and process.name == "postgres" and process.folder == folder.resolve()


async def _ended(pid: int, folder: Path) -> None:
    """Return when the server has ended, or when patience has."""
    for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
        if not _serves(pid, folder):
            return
        await asyncio.sleep(_POLL_SECONDS)
