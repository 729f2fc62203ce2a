"""What promoters' links brought since they were last told, in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.notification.domain import PromoterDay
from services.notification.store.twins import AHEAD, named, twins_alone

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


_TAKE = (
    "WITH due AS (SELECT d.campaign_id, d.promoter_id FROM promoter_days AS d{whose}"
    " ORDER BY d.due_at LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED)"
    " DELETE FROM promoter_days AS p USING due WHERE p.campaign_id = due.campaign_id"
    " AND p.promoter_id = due.promoter_id RETURNING p.platform_id, p.campaign_id, p.promoter_id, p.team_id,"
    ' p.joined, p."left", p.due_at'
)
_TAKE_OF_ALL = _TAKE.format(whose=" WHERE d.due_at <= %(now)s")
_TAKE_OF_TWINS = _TAKE.format(
    whose=f" JOIN {AHEAD} ON d.platform_id = k.whose AND {twins_alone('d')}"
    " WHERE d.due_at > %(now)s AND d.due_at <= k.now"
)


async def take_due_days(
    connection: Connection, now: datetime, ahead: Mapping[UUID, datetime], limit: int
) -> list[PromoterDay]:
    """Take away what promoters are told now, by the machine's time or that of their platform."""
    values = {"now": now, "limit": limit, **named(ahead)}
    rows = await (await connection.execute(_TAKE_OF_ALL, values)).fetchall()
    if ahead:
        rows += await (await connection.execute(_TAKE_OF_TWINS, values)).fetchall()
    return [PromoterDay(*row) for row in rows]
