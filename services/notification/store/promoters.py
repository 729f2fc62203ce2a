"""What promoters' links brought since they were last told, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import PromoterDay

Connection: TypeAlias = AsyncConnection[TupleRow]

_COLUMNS = 'platform_id, campaign_id, promoter_id, team_id, joined, "left", due_at'


async def add_to_days(connection: Connection, days: Sequence[PromoterDay]) -> None:
    """Add what came; where a summary is on its way already, it stays due when it is."""
    await connection.cursor().executemany(
        f"INSERT INTO promoter_days AS p ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - constants
        " ON CONFLICT (campaign_id, promoter_id) DO UPDATE SET joined = p.joined + excluded.joined,"
        ' "left" = p."left" + excluded."left"',
        [tuple(getattr(day, name) for name in PromoterDay.__dataclass_fields__) for day in days],
    )


async def take_due_days(connection: Connection, now: datetime, limit: int) -> list[PromoterDay]:
    """Take away what promoters are told now."""
    cursor = await connection.execute(
        "WITH due AS (SELECT campaign_id, promoter_id FROM promoter_days WHERE due_at <= %s"
        " ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
        " DELETE FROM promoter_days AS p USING due WHERE p.campaign_id = due.campaign_id"
        " AND p.promoter_id = due.promoter_id RETURNING p.platform_id, p.campaign_id, p.promoter_id, p.team_id,"
        ' p.joined, p."left", p.due_at',
        (now, limit),
    )
    return [PromoterDay(*row) async for row in cursor]
