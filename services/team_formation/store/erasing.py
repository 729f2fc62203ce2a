"""Erasing a member: where it is, which of its seats stand in the way, and its id replaced in every table.

Members are found campaign by campaign, as the tables are keyed: no statement reads the rows of all members.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.erased_rows import Erased

Connection = AsyncConnection[TupleRow]


class LiveSeat(NamedTuple):
    """A live seat in a team that has not ended, or in which somebody waits still."""

    campaign_id: UUID
    seat_id: UUID
    team_id: UUID
    ends_at: datetime


async def find_live_seats(connection: Connection, platform_id: UUID, member_id: str) -> Sequence[LiveSeat]:
    """List the live seats of a member in teams that have not ended, in the order the teams end."""
    cursor = await connection.execute(
        "SELECT s.campaign_id, s.seat_id, s.team_id, t.ends_at FROM campaigns AS c CROSS JOIN LATERAL"
        " (SELECT * FROM seats AS n WHERE n.campaign_id = c.campaign_id AND n.member_id = %s"
        " AND n.state IN ('WAITING', 'HELD', 'CONFIRMED') AND NOT n.sponsored OFFSET 0) AS s"
        " JOIN teams AS t ON t.campaign_id = s.campaign_id AND t.team_id = s.team_id"
        " WHERE c.platform_id = %s AND (t.state IN ('FORMING', 'TIPPED') OR s.state = 'WAITING')"
        " ORDER BY t.ends_at, s.seat_id",
        (member_id, platform_id),
    )
    return [LiveSeat(*row) async for row in cursor]


async def find_campaigns(connection: Connection, platform_id: UUID, member_id: str) -> list[UUID]:
    """List the campaigns in which an id is named: by a seat, a team, an invite, a limit, or as who changed it."""
    cursor = await connection.execute(
        "SELECT c.campaign_id FROM campaigns AS c WHERE c.platform_id = %(platform)s AND ("
        "EXISTS (SELECT FROM seats AS s WHERE s.campaign_id = c.campaign_id AND s.member_id = %(member)s)"
        " OR EXISTS (SELECT FROM teams AS t WHERE t.campaign_id = c.campaign_id AND t.opener_member_id = %(member)s)"
        " OR EXISTS (SELECT FROM invites AS i WHERE i.campaign_id = c.campaign_id AND i.member_id = %(member)s"
        " AND i.member_id <> '')"
        " OR EXISTS (SELECT FROM invites AS i WHERE i.campaign_id = c.campaign_id AND i.promoter_id = %(member)s"
        " AND i.promoter_id <> '')"
        " OR EXISTS (SELECT FROM campaign_members AS m WHERE m.campaign_id = c.campaign_id"
        " AND m.member_id = %(member)s)"
        " OR EXISTS (SELECT FROM campaign_changes AS h WHERE h.campaign_id = c.campaign_id AND h.actor = %(member)s))"
        " ORDER BY c.campaign_id",
        {"platform": platform_id, "member": member_id},
    )
    return [row[0] async for row in cursor]


_LOCK_TEAMS = """
SELECT count(*) FROM (
    SELECT FROM teams AS t JOIN (
        SELECT campaign_id, team_id FROM seats WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s
        UNION SELECT campaign_id, team_id FROM teams
            WHERE campaign_id = ANY(%(campaigns)s) AND opener_member_id = %(old)s
        UNION SELECT campaign_id, team_id FROM invites WHERE campaign_id = ANY(%(campaigns)s)
            AND (member_id = %(old)s OR promoter_id = %(old)s)
    ) AS k USING (campaign_id, team_id)
    WHERE t.platform_id = %(platform)s ORDER BY campaign_id, team_id FOR UPDATE OF t
) AS locked
"""

_LOCK_MEMBERS = (
    "SELECT count(*) FROM (SELECT FROM campaign_members WHERE campaign_id = ANY(%(campaigns)s)"
    " AND member_id IN (%(old)s, %(new)s) AND platform_id = %(platform)s ORDER BY campaign_id, member_id"
    " FOR UPDATE) AS locked"
)
_REPLACE = (
    (
        "DELETE FROM seat_tags AS t USING seats AS s WHERE s.campaign_id = ANY(%(campaigns)s)"
        " AND s.member_id = %(old)s AND t.campaign_id = s.campaign_id AND t.seat_id = s.seat_id"
        " AND t.platform_id = %(platform)s"
    ),
    (
        "INSERT INTO member_links AS m (campaign_id, seat_id, platform_id, number, changed_at)"
        " SELECT campaign_id, seat_id, platform_id, 1, %(at)s FROM seats"
        " WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s AND platform_id = %(platform)s"
        " AND NOT sponsored ORDER BY campaign_id, seat_id ON CONFLICT (campaign_id, seat_id) DO UPDATE"
        " SET number = least(m.number + 1, 65535), changed_at = excluded.changed_at"
    ),
    (
        "UPDATE seats AS s SET promoter_id = %(new)s FROM invites AS i WHERE i.campaign_id = ANY(%(campaigns)s)"
        " AND i.promoter_id = %(old)s AND i.promoter_id <> '' AND s.campaign_id = i.campaign_id"
        " AND s.invite_id = i.invite_id AND s.promoter_id = %(old)s AND s.platform_id = %(platform)s"
    ),
    (
        "UPDATE seats SET member_id = %(new)s WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s"
        " AND platform_id = %(platform)s"
    ),
    (
        "UPDATE teams SET opener_member_id = %(new)s WHERE campaign_id = ANY(%(campaigns)s)"
        " AND opener_member_id = %(old)s AND platform_id = %(platform)s"
    ),
    (
        "UPDATE invites SET member_id = %(new)s, label = '', note = '' WHERE campaign_id = ANY(%(campaigns)s)"
        " AND member_id = %(old)s AND member_id <> '' AND platform_id = %(platform)s"
    ),
    (
        "UPDATE invites SET promoter_id = %(new)s, label = '', note = '' WHERE campaign_id = ANY(%(campaigns)s)"
        " AND promoter_id = %(old)s AND promoter_id <> '' AND platform_id = %(platform)s"
    ),
    (
        "INSERT INTO campaign_members (campaign_id, platform_id, member_id) SELECT campaign_id, platform_id, %(new)s"
        " FROM campaign_members WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s"
        " AND platform_id = %(platform)s ORDER BY campaign_id ON CONFLICT (campaign_id, member_id) DO NOTHING"
    ),
    (
        "DELETE FROM campaign_members WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s"
        " AND platform_id = %(platform)s"
    ),
    (
        "UPDATE campaign_changes SET actor = %(new)s WHERE campaign_id = ANY(%(campaigns)s) AND actor = %(old)s"
        " AND platform_id = %(platform)s"
    ),
    (
        "DELETE FROM hidden_content WHERE platform_id = %(platform)s AND subject IN ('PROMOTER', 'MEMBER')"
        " AND subject_id = %(old)s"
    ),
    "DELETE FROM promoter_links WHERE platform_id = %(platform)s AND promoter_id = %(old)s",
)


async def replace_member(connection: Connection, erased: Erased) -> None:
    """Replace a member's id, take its own links back, and forget what its invites say.

    Teams are locked first, in the order of every transaction, so that no two wait for each other.
    """
    named = {
        "platform": erased.platform_id,
        "campaigns": list(erased.campaigns),
        "old": erased.member_id,
        "new": erased.pseudonym,
        "at": erased.erased_at,
    }
    await connection.execute(_LOCK_MEMBERS, named)
    await connection.execute(_LOCK_TEAMS, named)
    for statement in _REPLACE:
        await connection.execute(statement, named)
