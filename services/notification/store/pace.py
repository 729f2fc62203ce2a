"""How far notification is with a test twin: what is due there next, in SQL."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.twins import AT_ONCE, TWINS_ALONE
from services.notification.store.twins import twins_alone

# A mark of its own has a twin only when its clock is ahead.
_REACHED = (
    "coalesce((SELECT reached FROM twin_reminder_marks WHERE platform_id = %(platform)s AND name = '{name}'),"
    " (SELECT reached FROM reminder_marks WHERE name = '{name}'))"
)
_NEXT = (
    f"(SELECT %(at_once)s FROM fanout_jobs WHERE platform_id = %(platform)s AND {TWINS_ALONE} AND ready LIMIT 1)",  # noqa: S608
    "(SELECT %(at_once)s FROM own_messages WHERE platform_id = %(platform)s LIMIT 1)",
    (
        "(SELECT min(d.due_at) FROM deliveries AS d"  # noqa: S608 - constants
        f" WHERE d.platform_id = %(platform)s AND {twins_alone('d')} AND d.state = 'PENDING')"
    ),
    (
        "(SELECT min(greatest(p.due_at, w.resting_until)) FROM webhook_endpoints AS w CROSS JOIN LATERAL"
        " (SELECT due_at FROM webhook_posts AS own WHERE own.platform_id = w.platform_id"
        "  AND own.endpoint_id = w.endpoint_id AND own.state = 'PENDING' ORDER BY own.due_at LIMIT 1) AS p"
        " WHERE w.platform_id = %(platform)s AND w.disabled_at IS NULL)"
    ),
    f"(SELECT min(j.due_at) FROM join_digests AS j WHERE j.platform_id = %(platform)s AND {twins_alone('j')})",  # noqa: S608 - constants
    f"(SELECT min(o.due_at) FROM promoter_days AS o WHERE o.platform_id = %(platform)s AND {twins_alone('o')})",  # noqa: S608 - constants
    (
        "(SELECT min(greatest(c.starts_at - make_interval(secs => r.before_seconds),"  # noqa: S608 - constants
        "  CASE WHEN c.state = 'PAUSED' THEN c.ends_at END)) FROM campaigns AS c"
        f" JOIN start_reminders AS r USING (campaign_id) WHERE c.platform_id = %(platform)s AND {twins_alone('c')})"
    ),
    (
        "(SELECT min(g.look_at) FROM group_chats AS g JOIN teams AS t USING (campaign_id, team_id)"  # noqa: S608 - constants
        f" WHERE g.platform_id = %(platform)s AND {twins_alone('g')} AND g.over_at IS NULL"
        " AND (t.version > g.seen_version OR g.seen_price <"
        "  (SELECT version FROM team_prices AS p WHERE p.campaign_id = g.campaign_id AND p.team_id ="
        "  CASE WHEN t.of_campaign THEN '00000000-0000-0000-0000-000000000000' ELSE g.team_id END"
        "  AND p.ladder_version = CASE WHEN t.of_campaign THEN t.ladder_version ELSE 0 END)))"
    ),
    (
        f"(SELECT min(s.hold_until) - %(hold_lead)s FROM seats AS s WHERE s.platform_id = %(platform)s"  # noqa: S608 - constants
        f" AND {twins_alone('s')} AND s.state = 'HELD' AND s.hold_until > {_REACHED.format(name='HOLD_ENDING')})"
    ),
    (
        f"(SELECT min(e.ends_at) - %(team_lead)s FROM teams AS e WHERE e.platform_id = %(platform)s"  # noqa: S608 - constants
        f" AND {twins_alone('e')} AND e.state IN ('FORMING', 'TIPPED')"
        f" AND e.ends_at > {_REACHED.format(name='TIME_RUNNING_OUT')})"
    ),
)
_LEAST = f"SELECT least({', '.join(_NEXT)})"


async def find_next_due(
    connection: AsyncConnection[TupleRow], platform_id: UUID, hold_lead: timedelta, team_lead: timedelta
) -> datetime | None:
    """Find when the next of what waits is due: at once, what is to be written to many; the rest at its time.

    The leads are how long before the end of a hold and of a team members are told.
    """
    values = {"at_once": AT_ONCE, "platform": platform_id, "hold_lead": hold_lead, "team_lead": team_lead}
    row = await (await connection.execute(_LEAST, values)).fetchone()
    return row[0] if row else None


async def sum_told(_connection: AsyncConnection[TupleRow], _platform_id: UUID) -> dict[str, int]:
    """Sum up nothing: no service reads what notification tells."""
    return {}
