"""What metrics tell of team_formation's database: few rows of an index, or counts with an end."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def find_oldest_due(connection: AsyncConnection[TupleRow]) -> tuple[datetime | None, datetime | None]:
    """Find when the oldest due team has been due, and the oldest call of a chat service."""
    cursor = await connection.execute(
        "SELECT least((SELECT min(due_at) FROM teams WHERE state IN ('FORMING', 'TIPPED')),"
        " (SELECT min(due_at) FROM teams WHERE state = 'FORMED' AND waiting_members > 0)),"
        " (SELECT min(due_at) FROM hook_calls WHERE due_at IS NOT NULL)"
    )
    teams, calls = await cursor.fetchone() or (None, None)
    return teams, calls


async def count_open_teams(connection: AsyncConnection[TupleRow], most: int) -> dict[str, int]:
    """Count open teams by state, no more than `most`."""
    cursor = await connection.execute(
        "SELECT state, count(*) FROM (SELECT state FROM teams WHERE state IN ('FORMING', 'TIPPED') LIMIT %s) AS open"
        " GROUP BY state",
        (most,),
    )
    return {state: count async for state, count in cursor}


async def list_check_results(connection: AsyncConnection[TupleRow]) -> Sequence[tuple[str, int, datetime]]:
    """List what the last `groupbuy check --record` found: invariant, violations, when."""
    cursor = await connection.execute("SELECT invariant, violations, finished_at FROM check_results ORDER BY invariant")
    return [(row[0], row[1], row[2]) async for row in cursor]
