"""One part of the stack: how it is started until it is well, and how it is stopped."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local.child import Child
from deploy.local.errors import LocalError
from deploy.local.postgres import LocalPostgres
from deploy.local.stack.probe import probe

_POLL_SECONDS = 0.03


class Part(Protocol):
    """What the supervisor needs to know of a part: `address` is for users, `probe` for health (see probe.py)."""

    @property
    def name(self) -> str:
        """Its name, also of its log."""

    @property
    def address(self) -> str:
        """host:port that it is for."""

    @property
    def probe(self) -> str:
        """What tells whether it is well."""

    async def start(self) -> Child:
        """Start it and return when it is well; LocalError if it ends before."""

    async def stop(self, child: Child, *, hurry: bool) -> None:
        """Stop it: in order, or at once."""


@dataclass(frozen=True)
class Program:
    """A part that is a program of its own: well when its probe says so, stopped by SIGTERM."""

    name: str
    address: str
    probe: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    start_seconds: float = 60.0
    stop_seconds: float = 20.0

    async def start(self) -> Child:
        """Start the program; LocalError with the end of its log if it ends, or is not well in time."""
        child = Child.start(self.argv, log=self.log, env=self.environment)
        try:
            await self._until_well(child)
        except BaseException:
            await child.end(signal.SIGKILL, self.stop_seconds)
            raise
        return child

    async def stop(self, child: Child, *, hurry: bool) -> None:
        """Ask it to stop, kill it if it does not; in a hurry kill at once."""
        await child.end(signal.SIGKILL if hurry else signal.SIGTERM, self.stop_seconds)

    async def _until_well(self, child: Child) -> None:
        deadline = asyncio.get_running_loop().time() + self.start_seconds
        while not await probe(self.probe, child.pid):
            if child.returncode is not None:
                raise self._refusal(child, how_ended(child.returncode))
            if asyncio.get_running_loop().time() > deadline:
                raise self._refusal(child, f"not ready after {self.start_seconds:.0f} seconds")
            await asyncio.sleep(_POLL_SECONDS)

    def _refusal(self, child: Child, what: str) -> LocalError:
        tail = "".join(f"\n  {line}" for line in child.log_tail())
        return LocalError(
            f"{self.name} did not start: {what}. The end of its log:{tail}", f"The whole log is {self.log}."
        )


@dataclass(frozen=True)
class Postgres:
    """The local PostgreSQL server as a part."""

    server: LocalPostgres
    name: str = "postgres"

    @property
    def address(self) -> str:
        """host:port of the server."""
        return f"127.0.0.1:{self.server.port}"

    @property
    def probe(self) -> str:
        """It is well when it takes connections."""
        return f"tcp://{self.address}"

    async def start(self) -> Child:
        """Start the server; after a kill -9 it recovers."""
        await self.server.start()
        if self.server.child is None:
            raise LocalError("PostgreSQL has ended.", f"Its log is {self.server.log}.")
        return self.server.child

    async def stop(self, child: Child, *, hurry: bool) -> None:
        """Fast shutdown, which ends sessions; in a hurry without a checkpoint, which the next start makes up for."""
        if hurry:
            child.send(signal.SIGQUIT)
        await self.server.stop()


def how_ended(code: int) -> str:
    """Say in words how a process ended, from its return code."""
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
