"""How far notification is with a test twin: what is due there next."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import AT_ONCE, TWINS_ALONE
from services.notification.domain import Kind
from services.notification.store.reminders import HOLD_LEAD, TEAM_LEAD
from services.notification.store.twins import twins_alone

_EVER = UUID(int=0)
# each as its finder finds it; a post waits for the rest of its endpoint too, and none of one that is disabled is due
_NEXT = (
    "SELECT least((SELECT min(due_at) FROM deliveries WHERE platform_id = %(platform)s"  # noqa: S608 - constants
    f" AND {TWINS_ALONE} AND state = 'PENDING'),"
    f" (SELECT min(due_at) FROM join_digests WHERE platform_id = %(platform)s AND {TWINS_ALONE}),"
    f" (SELECT min(due_at) FROM promoter_days WHERE platform_id = %(platform)s AND {TWINS_ALONE}),"
    " (SELECT min(greatest(p.due_at, w.resting_until)) FROM webhook_endpoints AS w JOIN webhook_posts AS p"
    "  USING (platform_id, endpoint_id) WHERE w.platform_id = %(platform)s AND w.disabled_at IS NULL"
    "  AND p.state = 'PENDING'),"
    " (SELECT min(g.look_at) FROM group_chats AS g JOIN teams AS t USING (campaign_id, team_id)"
    f"  WHERE g.platform_id = %(platform)s AND {twins_alone('g')} AND g.over_at IS NULL"
    "  AND t.version > g.seen_version),"
    " (SELECT min(c.starts_at - make_interval(secs => r.before_seconds)) FROM campaigns AS c JOIN start_reminders AS r"
    f"  USING (campaign_id) WHERE c.platform_id = %(platform)s AND {twins_alone('c')} AND c.state <> 'PAUSED'),"
    " (SELECT %(at_once)s FROM fanout_jobs WHERE platform_id = %(platform)s AND ready LIMIT 1),"
    " (SELECT %(at_once)s FROM own_messages WHERE platform_id = %(platform)s LIMIT 1))"
)
_ENDING = (
    "SELECT min({end}) FROM {table} WHERE platform_id = %(platform)s AND {twins} AND {open}"
    " AND ({end}, {id}) > (%(reached)s, %(after)s)"
)
_HOLDS = _ENDING.format(end="hold_until", table="seats", twins=TWINS_ALONE, open="state = 'HELD'", id="seat_id")
_TEAMS = _ENDING.format(
    end="ends_at", table="teams", twins=TWINS_ALONE, open="state IN ('FORMING', 'TIPPED')", id="team_id"
)


async def find_next_due(connection: AsyncConnection[TupleRow], platform_id: UUID) -> datetime | None:
    """Find when the next message, reminder, digest or post of a twin is due; at once what is to be written to many."""
    found = [
        await _one(connection, _NEXT, {"platform": platform_id, "at_once": AT_ONCE}),
        await _next_end(connection, platform_id, Kind.HOLD_ENDING, _HOLDS, HOLD_LEAD),
        await _next_end(connection, platform_id, Kind.TIME_RUNNING_OUT, _TEAMS, TEAM_LEAD),
    ]
    return min((at for at in found if at), default=None)


async def _next_end(
    connection: AsyncConnection[TupleRow], platform_id: UUID, name: str, query: str, lead: timedelta
) -> datetime | None:
    """Find when members are told of the next end that they were not told of, by the twin's own mark or that of all."""
    cursor = await connection.execute(
        "SELECT reached, after_id FROM twin_reminder_marks WHERE platform_id = %s AND name = %s", (platform_id, name)
    )
    mark = await cursor.fetchone()
    if mark is None:
        cursor = await connection.execute("SELECT reached, after_id FROM reminder_marks WHERE name = %s", (name,))
        mark = await cursor.fetchone() or (AT_ONCE, _EVER)
    end = await _one(connection, query, {"platform": platform_id, "reached": mark[0], "after": mark[1]})
    return end - lead if end else None


async def _one(connection: AsyncConnection[TupleRow], query: str, values: dict[str, object]) -> datetime | None:
    row = await (await connection.execute(query.encode(), values)).fetchone()
    return row[0] if row else None


async def sum_told(_connection: AsyncConnection[TupleRow], _platform_id: UUID) -> dict[str, int]:
    """Sum up nothing: no service reads what notification tells."""
    return {}
