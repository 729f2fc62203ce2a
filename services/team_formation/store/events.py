"""Events of a team as the outbox keeps them, for a consumer that missed some."""

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

MOST = 1000


async def list_team_events(
    connection: AsyncConnection[TupleRow], team_key: str, after_version: int, before_version: int
) -> list[bytes]:
    """List envelopes of a team between two versions (exclusive; 0: to the end), by version, at most 1000."""
    cursor = await connection.execute(
        "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' AND aggregateid = %s AND sequence > %s"
        " AND (%s = 0 OR sequence < %s) ORDER BY sequence LIMIT %s",
        (team_key, after_version, before_version, before_version, MOST),
    )
    return [payload async for (payload,) in cursor]
