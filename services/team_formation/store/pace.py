"""How far team_formation is with a test twin: what it has told of it, and what is due there next."""

from datetime import datetime
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import AT_ONCE, TWINS_ALONE


async def sum_told(connection: AsyncConnection[TupleRow], platform_id: UUID) -> dict[str, int]:
    """Sum up, by topic, the numbers of the last events of a twin's campaigns and teams."""
    cursor = await connection.execute(
        "SELECT 'groupbuy.campaign.v1', coalesce(sum(sequence), 0)::bigint FROM campaigns WHERE platform_id = %s"
        " UNION ALL SELECT 'groupbuy.team.v1', coalesce(sum(t.version), 0)::bigint FROM campaigns AS c"
        " JOIN teams AS t USING (campaign_id) WHERE c.platform_id = %s",
        (platform_id, platform_id),
    )
    return dict(await cursor.fetchall())


_TEAMS = f"(SELECT min(due_at) FROM teams WHERE platform_id = %(platform)s AND {TWINS_ALONE} AND"  # noqa: S608 - a constant
_NEXT = (
    f"SELECT least({_TEAMS} state IN ('FORMING', 'TIPPED')), {_TEAMS} state = 'FORMED' AND waiting_members > 0),"  # noqa: S608 - constants
    " (SELECT %(at_once)s FROM campaigns WHERE platform_id = %(platform)s AND sweeping LIMIT 1),"
    " (SELECT %(at_once)s FROM merchant_sweeps WHERE platform_id = %(platform)s LIMIT 1))"
)


async def find_next_due(connection: AsyncConnection[TupleRow], platform_id: UUID) -> datetime | None:
    """Find when the next team of a twin is to be looked at: holds, deadlines, the ends of campaigns, who waits."""
    cursor = await connection.execute(_NEXT, {"platform": platform_id, "at_once": AT_ONCE})
    row = await cursor.fetchone()
    return row[0] if row else None
