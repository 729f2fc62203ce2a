"""PostgreSQL's own benchmark, on the same server in a database of its own: what a join is compared with."""

import asyncio
import re
from pathlib import Path

from deploy.local.child import Child
from deploy.local.osuser import unprivileged
from deploy.local.postgres import LocalPostgres
from deploy.local.postgres.programs import find_programs
from tests.bench.errors import BenchError

SCALE = 10
LOAD = ("-N", "-c", "16", "-j", "2", "-M", "prepared", "-s", str(SCALE))
_DATABASE = "bench_pgbench"
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_SLACK_SECONDS = 60.0


class PgBench:
    """`pgbench -N`: one update, one read and one insert a transaction."""

    def __init__(self, postgres: LocalPostgres, log: Path) -> None:
        self._postgres = postgres
        self._log = log
        self._program = find_programs(unprivileged(postgres.data / "cluster")) / "pgbench"

    async def prepare(self) -> None:
        """Make its database."""
        await self._postgres.create_database(_DATABASE)
        await self._output(_SLACK_SECONDS, "-i", "-q", "-s", str(SCALE))

    async def run(self, seconds: float) -> float:
        """Run it; transactions a second."""
        whole = max(round(seconds), 1)
        output = await self._output(whole + _SLACK_SECONDS, *LOAD, "-T", str(whole))
        return rate_of(output)

    async def _output(self, patience: float, *words: str) -> str:
        self._log.unlink(missing_ok=True)
        argv = [str(self._program), *words, self._postgres.database_url(_DATABASE)]
        child = Child.start(argv, log=self._log, cwd=self._log.parent)
        async with asyncio.timeout(patience):
            code = await child.wait()
        if code:
            raise BenchError("pgbench failed:\n" + "\n".join(child.log_tail()))
        return self._log.read_text()


def rate_of(output: str) -> float:
    """Read the transactions a second that pgbench tells; BenchError if it tells none, or that some failed."""
    found = _RATE.search(output)
    failed = re.search(r"number of failed transactions: ([1-9][0-9]*)", output)
    if found is None or failed:
        raise BenchError(f"pgbench did not measure:\n{output}")
    return float(found[1])
