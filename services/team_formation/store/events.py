"""Events of a team as the outbox keeps them, for a consumer that missed some and for the story of a seat."""

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


_PACKAGE = "groupbuy.team_formation.v1"
_OF_THE_TEAM = [
    f"{_PACKAGE}.{fact}"
    for fact in (
        "TeamOpened",
        "TeamTipped",
        "TeamUntipped",
        "TeamRescheduled",
        "TeamFormed",
        "TeamFailed",
        "TeamCancelled",
    )
]


async def list_seat_events(
    connection: AsyncConnection[TupleRow], team_key: str, seat_key: str, after_version: int, limit: int
) -> list[bytes]:
    """List envelopes of a team that name one seat, and those about the team itself, after a version, by version.

    A seat's key stands in its events letter by letter, so that nothing is read but what is asked for.
    """
    cursor = await connection.execute(
        "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' AND aggregateid = %s AND sequence > %s"
        " AND (type = ANY(%s) OR position(%s IN payload) > 0) ORDER BY sequence LIMIT %s",
        (team_key, after_version, _OF_THE_TEAM, seat_key.encode(), limit),
    )
    return [payload async for (payload,) in cursor]


async def keeps_opening(connection: AsyncConnection[TupleRow], team_key: str) -> bool:
    """Tell whether the first event of a team is still kept."""
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' AND aggregateid = %s"
        " AND sequence = 1)",
        (team_key,),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
