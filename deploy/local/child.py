"""One child process: start it on a leash, wait for it, signal it, read the end of its log."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from deploy.local.osuser import OsUser

_LEASH = Path(__file__).with_name("leash.py")
_POLL_SECONDS = 0.05
_TAIL_BYTES = 16_384


class Child:
    """A running program that dies when this process does; its output is appended to `log`.

    It leads a session of its own, so a Ctrl-C in the terminal reaches only us and we choose the order of stopping.
    Independent of any event loop: one loop may start it and another wait for it. Start it from a thread that lives as
    long as the child shall live: Linux ties the leash to the thread.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path, log_start: int) -> None:
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: OsUser | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> "Child":
        """Start `argv` (absolute path first), as `user` where one is given; OSError if it cannot be started."""
        identity = (str(user.uid), str(user.gid)) if user else ("-", "-")
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(death_signal)), *identity]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            log_start = output.tell()
            process = _spawn([*leash, *argv], env, cwd, output)
        return cls(process, log, log_start)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, minus the signal's number if one ended it, None while it runs."""
        return self._process.poll()

    async def wait(self) -> int:
        """Wait until the process has ended and give its exit code."""
        while self._process.poll() is None:
            await _readable(self._process.pid)
        return self._process.returncode

    def send(self, signum: signal.Signals) -> None:
        """Send a signal; nothing happens if the process has ended."""
        self._process.send_signal(signum)

    async def end(self, signum: signal.Signals, patience: float) -> int:
        """Send `signum`, wait up to `patience` seconds, then kill; give the exit code."""
        self.send(signum)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.wait(), patience)
        self.send(signal.SIGKILL)
        return await self.wait()

    def log_tail(self, lines: int = 12) -> list[str]:
        """The last lines that this very process wrote, oldest first."""
        with contextlib.suppress(FileNotFoundError), self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start if self._log_start <= size else 0, size - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-lines:]
        return []


def _spawn(
    argv: Sequence[str], env: Mapping[str, str] | None, cwd: Path | None, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


async def _readable(pid: int) -> None:
    """Return when the process has ended or, where the system has no process descriptors, after a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        await asyncio.sleep(_POLL_SECONDS)
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
