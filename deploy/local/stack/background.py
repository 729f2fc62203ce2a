"""A stack that runs by itself: start it detached from the terminal, stop one by its supervisor's process id."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.lock import FolderLock
from deploy.local.processes import look
from deploy.local.stack.layout import lock_path, log_path, run_path
from deploy.local.stack.run import Run, end_leftovers

_POLL_SECONDS = 0.05
_TAIL_BYTES = 4096


async def start_detached(data: Path, arguments: Sequence[str]) -> Run:
    """Run `groupbuy ARGUMENTS` as a process that outlives this one; return when its stack is ready.

    LocalError with what it wrote, if it ends before.
    """
    log = log_path(data, "stack")
    log.parent.mkdir(parents=True, exist_ok=True)
    start = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: ASYNC220  # takes a millisecond
            [sys.executable, "-P", "-m", "deploy.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while process.poll() is None:
        run = Run.load(run_path(data))
        if run and run.pid == process.pid and run.ready_seconds is not None:
            process.returncode = 0  # it is nobody's child any more: no warning that it still runs
            return run
        await asyncio.sleep(_POLL_SECONDS)
    raise _refusal(log, start)


async def stop_running(data: Path) -> bool:
    """Stop the stack that runs on `data` and return when it has ended; False if none runs.

    Where only leftovers of a killed one run, they are ended.
    """
    pid = FolderLock(lock_path(data)).holder()
    supervisor = look(pid) if pid else None
    if supervisor is None:
        return _end_what_is_left(data)
    os.kill(supervisor.pid, signal.SIGTERM)
    while (now := look(supervisor.pid)) and now.started == supervisor.started:  # noqa: ASYNC110  # a foreign process
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _end_what_is_left(data: Path) -> bool:
    run = Run.load(run_path(data))
    if run is None:
        return False
    ended = end_leftovers(run.parts)
    run_path(data).unlink(missing_ok=True)
    return bool(ended)


def _refusal(log: Path, start: int) -> LocalError:
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - _TAIL_BYTES))
        text = file.read().decode(errors="replace").strip()
    problem, _, remedy = text.rpartition("Error: ")[2].rpartition("\n")
    return LocalError(problem or text, remedy or f"The log is {log}.")
