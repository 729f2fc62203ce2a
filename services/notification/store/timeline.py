"""What happened with a member, in one order, in SQL."""

from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Connection: TypeAlias = AsyncConnection[TupleRow]


class Moment(NamedTuple):
    """One thing that happened; `key` orders what happened at the same time."""

    at: datetime
    key: str
    step: str
    campaign_id: UUID | None
    team_id: UUID | None
    delivery_id: UUID | None
    kind: str
    channel: str
    state: str
    said: str


_TIMELINE = """
WITH own AS (
    SELECT * FROM deliveries WHERE platform_id = %(platform)s AND member_id = %(member)s
), moments AS (
    SELECT created_at AS at, '1 ' || delivery_id AS key, 'WRITTEN' AS step, campaign_id, team_id, delivery_id, kind,
           '' AS channel, '' AS state, '' AS said FROM own
    UNION ALL
    SELECT a.attempted_at, '2 ' || a.delivery_id || ' ' || a.number, 'ATTEMPTED', a.campaign_id, o.team_id,
           a.delivery_id, o.kind, a.channel, '', rtrim(a.outcome || ': ' || a.detail, ': ')
    FROM attempts AS a JOIN own AS o USING (campaign_id, delivery_id)
    UNION ALL
    SELECT ended_at, '3 ' || delivery_id, 'ENDED', campaign_id, team_id, delivery_id, kind, channel, state, reason
    FROM own WHERE ended_at IS NOT NULL
    UNION ALL
    SELECT gone_at, '4 ' || contact_id, 'CONTACT_GONE', NULL, NULL, NULL, '', channel, '', gone_why
    FROM contact_points WHERE platform_id = %(platform)s AND member_id = %(member)s AND gone_at IS NOT NULL
    UNION ALL
    SELECT unsubscribed_at, '5', 'UNSUBSCRIBED', NULL, NULL, NULL, '', '', '', ''
    FROM members WHERE platform_id = %(platform)s AND member_id = %(member)s AND unsubscribed_at IS NOT NULL
)
SELECT * FROM moments WHERE %(before_at)s::timestamptz IS NULL OR (at, key) < (%(before_at)s, %(before_key)s)
ORDER BY at DESC, key DESC LIMIT %(limit)s
"""


async def read_timeline(
    connection: Connection, platform_id: UUID, member_id: str, before: tuple[datetime, str] | None, limit: int
) -> list[Moment]:
    """List what happened with a member, the newest first, from before a moment on."""
    cursor = await connection.execute(
        _TIMELINE,
        {
            "platform": platform_id,
            "member": member_id,
            "before_at": before[0] if before else None,
            "before_key": before[1] if before else "",
            "limit": limit,
        },
    )
    return [Moment(*row) async for row in cursor]
