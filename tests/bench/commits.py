"""How long a commit takes while something else is measured: one row a time, on a connection and a table of its own."""

import asyncio
import time
from types import TracebackType
from typing import Self

import psycopg

from deploy.local.postgres import LocalPostgres
from tests.bench.errors import BenchError
from tests.bench.rounds import percentile

EVERY_SECONDS = 0.02
_DATABASE = "bench_commits"


class Commits:
    """While it is open, a row is committed every 20 ms and timed."""

    def __init__(self, postgres: LocalPostgres) -> None:
        self._postgres = postgres
        self._seconds: list[float] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def median(self) -> float:
        """The middle one of the times, in seconds; BenchError if none was taken."""
        return self.share(0.5)

    def share(self, share: float) -> float:
        """The least time, in seconds, that a share (0 to 1) of all do not exceed; BenchError if none was taken."""
        if not self._seconds:
            raise BenchError("No commit was timed beside the joins.")
        return percentile(self._seconds, share)

    async def __aenter__(self) -> Self:
        url = await self._postgres.create_database(_DATABASE)
        self._task = asyncio.create_task(self._run(url))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()

    async def _run(self, url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS commits (at timestamptz NOT NULL)")
            while True:
                began = time.perf_counter()
                await connection.execute("INSERT INTO commits VALUES (now())")
                self._seconds.append(time.perf_counter() - began)
                await asyncio.sleep(EVERY_SECONDS)
