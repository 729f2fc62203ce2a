"""Erasing a member: its id replaced in every table, campaign by campaign; amounts and lines stay as they are."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis.erased_rows import Erased

_LOCK_TEAMS = """
SELECT count(*) FROM (
    SELECT FROM teams AS t JOIN (
        SELECT campaign_id, team_id FROM seats WHERE campaign_id = ANY(%(campaigns)s)
            AND (member_id = %(old)s OR promoter_id = %(old)s)
        UNION SELECT campaign_id, team_id FROM settlement_lines
            WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s
        UNION SELECT campaign_id, team_id FROM beneficiary_lines
            WHERE campaign_id = ANY(%(campaigns)s) AND beneficiary_id = %(old)s
    ) AS k USING (campaign_id, team_id)
    WHERE t.platform_id = %(platform)s ORDER BY campaign_id, team_id FOR UPDATE OF t
) AS locked
"""

_MEMBERS = ("seats", "settlement_lines", "line_reports", "awaited_payments")
_REPLACE = (
    *(
        f"UPDATE {table} SET member_id = %(new)s WHERE campaign_id = ANY(%(campaigns)s) AND member_id = %(old)s"  # noqa: S608 - constants
        " AND platform_id = %(platform)s"
        for table in _MEMBERS
    ),
    (
        "UPDATE seats SET promoter_id = %(new)s WHERE campaign_id = ANY(%(campaigns)s) AND promoter_id = %(old)s"
        " AND platform_id = %(platform)s"
    ),
)


async def replace_member(connection: AsyncConnection[TupleRow], erased: Erased) -> None:
    """Replace a member's id; teams are locked first, in the order of every transaction."""
    named = {
        "platform": erased.platform_id,
        "campaigns": list(erased.campaigns),
        "old": erased.member_id,
        "new": erased.pseudonym,
    }
    await connection.execute(_LOCK_TEAMS, named)
    for statement in _REPLACE:
        await connection.execute(statement, named)


async def find_earned(connection: AsyncConnection[TupleRow], erased: Erased) -> list[tuple[UUID, UUID, str]]:
    """List the rows of what a member earned: row, line and kind."""
    cursor = await connection.execute(
        "SELECT row_id, line_id, kind FROM beneficiary_lines WHERE campaign_id = ANY(%s) AND beneficiary_id = %s"
        " AND platform_id = %s ORDER BY campaign_id, team_id, sequence, kind",
        (list(erased.campaigns), erased.member_id, erased.platform_id),
    )
    return [(row[0], row[1], row[2]) async for row in cursor]


async def rename_earned(
    connection: AsyncConnection[TupleRow], erased: Erased, rows: Sequence[tuple[UUID, UUID]]
) -> None:
    """Replace the id of who earned, and the ids of the rows, given as (before, after): they are made from it."""
    await connection.execute(
        "UPDATE beneficiary_lines AS b SET beneficiary_id = %s, row_id = k.after"
        " FROM unnest(%s::uuid[], %s::uuid[]) AS k (before, after)"
        " WHERE b.campaign_id = ANY(%s) AND b.beneficiary_id = %s AND b.platform_id = %s AND b.row_id = k.before",
        (
            erased.pseudonym,
            [before for before, _ in rows],
            [after for _, after in rows],
            list(erased.campaigns),
            erased.member_id,
            erased.platform_id,
        ),
    )
