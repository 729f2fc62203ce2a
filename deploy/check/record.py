"""Keeps what a check found in team_formation's database, whose metrics tell it: a check itself is over too soon."""

from collections.abc import Sequence
from datetime import UTC, datetime

from psycopg import AsyncConnection

from deploy.check.runner import CheckResult

OWNER = "team_formation"


async def record(url: str, results: Sequence[CheckResult]) -> None:
    """Put results in the place of those of the check before; the address is that of the owner's database."""
    finished_at = datetime.now(UTC)
    rows = [(result.name, result.violations, result.checked, finished_at) for result in results]
    async with await AsyncConnection.connect(url, prepare_threshold=None) as connection:
        await connection.execute("DELETE FROM check_results")
        await connection.cursor().executemany(
            "INSERT INTO check_results (invariant, violations, checked, finished_at) VALUES (%s, %s, %s, %s)", rows
        )
