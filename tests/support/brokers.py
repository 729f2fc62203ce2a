"""Handles on brokers for tests: Apache Kafka and the local one, each as a process that can be stopped and killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from deploy.local import kafka
from deploy.local.child import Child
from tests.support.eventually import eventually
from tests.support.require import require

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
KINDS = ("apache", "local")

_MODULES = {"apache": "deploy.local.kafka", "local": "deploy.local.broker"}


class BrokerProcess:
    """One broker with its data under one directory; it keeps port and data over `stop`, `kill` and `start`.

    Blocking, and to be used from the main thread: the process dies with the thread that started it.
    """

    def __init__(self, kind: str, data: Path, *options: str) -> None:
        """`kind` is one of KINDS, `options` are more words for its command line."""
        self.kind = kind
        self.data = data
        self.port = 0
        self._options = options
        self._log = data.with_name(f"{data.name}.out")
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """What a client takes as its bootstrap server."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started; for Apache Kafka the one that watches over the JVM."""
        assert self._child is not None, "start first"
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.returncode is None

    def output(self) -> str:
        """All that it printed since it was first started, its log too (the JVM's log is a file of its own)."""
        return self._log.read_text() if self._log.exists() else ""

    def start(self) -> None:
        """Start it and wait until it listens."""
        before = len(self.output())
        command = [sys.executable, "-m", _MODULES[self.kind], "--data", str(self.data), "--port", str(self.port)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._child = Child.start([*command, *self._options], log=self._log, env=env, cwd=ROOT)

        def listens() -> bool:
            assert self.running, f"{self.kind} did not start:\n{self.output()[before:]}"
            return " listens on " in self.output()[before:]

        eventually(listens, f"{self.kind} listens", seconds=START_SECONDS)
        line = next(line for line in self.output()[before:].splitlines() if " listens on " in line)
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def end(self) -> None:
        """Kill it if it runs."""
        if self.running:
            self.kill()

    def restart(self) -> None:
        """Stop and start again."""
        self.stop()
        self.start()

    def _end(self, signum: signal.Signals) -> int:
        child = self._child
        assert child is not None, "start first"
        child.send(signum)
        eventually(lambda: child.returncode is not None, f"{self.kind} has ended")
        # The JVM goes a moment after the process that watches over it.
        eventually(lambda: not _answers(self.port), f"nothing listens on port {self.port}")
        self._child = None
        code = child.returncode
        assert code is not None
        return code


def require_broker(kind: str) -> None:
    """Skip, or fail where GROUPBUY_REQUIRE says so, when this kind cannot be had here."""
    if kind == "apache":
        require("kafka", kafka.available())


def run_broker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The local broker's command line, for starts that fail at once: exit code and what it printed."""
    return subprocess.run(
        [sys.executable, "-m", _MODULES["local"], *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
