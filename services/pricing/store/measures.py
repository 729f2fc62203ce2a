"""What metrics tell of pricing's database: few rows of an index, or of tables of work that is under way."""

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import TupleRow


async def find_oldest_due(connection: AsyncConnection[TupleRow], most: int) -> dict[str, datetime | None]:
    """Find since when the oldest work of each timer has been due; of work without an index `most` rows are read."""
    cursor = await connection.execute(
        "SELECT (SELECT min(occurred_at) FROM (SELECT occurred_at FROM settlement_jobs LIMIT %(most)s) AS jobs),"
        " (SELECT min(occurred_at) FROM (SELECT occurred_at FROM tally_deltas LIMIT %(most)s) AS deltas),"
        " (SELECT min(next_at) FROM awaited_payments WHERE state = 'OPEN')",
        {"most": most},
    )
    settlements, tallies, payments = await cursor.fetchone() or (None, None, None)
    return {"settlements": settlements, "tallies": tallies, "payments": payments}
