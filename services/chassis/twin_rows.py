"""Rows of test twins that were given up: which twins, in which tables, and removing them in small batches."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from services.chassis import ids
from services.chassis.twins import is_test

KEPT = ("platforms", "audit_entries")
"""What stays: that there was such a twin, by which late events of it are known, and who changed what."""
NO_CAMPAIGN = UUID(int=0)
_KEYS = {"camp": 1, "team": 2}


class Table(NamedTuple):
    """A table with rows of platforms, and by which of an index's first columns they are found."""

    name: str
    by_platform: bool
    has_platform: bool
    is_named: bool
    """Whether another table's rows name its rows, and do not go with them: then those go first."""


async def find_tables(connection: AsyncConnection[TupleRow]) -> list[Table]:
    """Find the tables whose rows go by themselves, those that others name last.

    Rows that go with a row that they name are not among them.
    """
    cursor = await connection.execute(
        "SELECT c.relname, 'platform_id' = ANY (l.leads), 'platform_id' = ANY (l.columns),"
        " EXISTS (SELECT FROM pg_constraint AS r WHERE r.contype = 'f' AND r.confrelid = c.oid)"
        " FROM pg_class AS c CROSS JOIN LATERAL (SELECT"
        "  ARRAY (SELECT a.attname::text FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = c.oid"
        "   AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indpred IS NULL) AS leads,"
        "  ARRAY (SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns) AS l"
        " WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
        " AND l.leads && ARRAY ['platform_id', 'campaign_id'] AND c.relname <> ALL (%s)"
        " AND NOT EXISTS (SELECT FROM pg_constraint AS r WHERE r.contype = 'f' AND r.conrelid = c.oid"
        "  AND r.confdeltype = 'c') ORDER BY 4, 1",
        (list(KEPT),),
    )
    return [Table(*row) async for row in cursor]


async def find_retired(connection: AsyncConnection[TupleRow], since: datetime) -> list[tuple[UUID, datetime]]:
    """Find twins that were given up since a time."""
    cursor = await connection.execute(
        "SELECT platform_id, retired_at FROM platforms WHERE retired_at > %s ORDER BY platform_id", (since,)
    )
    return [(twin, retired_at) async for twin, retired_at in cursor]


async def find_retired_of(connection: AsyncConnection[TupleRow], twins: Collection[UUID]) -> set[UUID]:
    """Tell which of some twins were given up."""
    cursor = await connection.execute(
        "SELECT platform_id FROM platforms WHERE platform_id = ANY (%s) AND retired_at IS NOT NULL", (list(twins),)
    )
    return {twin async for (twin,) in cursor}


async def find_heard_campaigns(connection: AsyncConnection[TupleRow], twin: UUID) -> set[UUID]:
    """Find the campaigns of a twin that the inbox has heard of."""
    cursor = await connection.execute("SELECT key FROM inbox WHERE twin_id = %s", (twin,))
    return {parsed[0] async for (key,) in cursor if (parsed := _parse(key))}


async def find_own_campaigns(connection: AsyncConnection[TupleRow], twin: UUID) -> set[UUID]:
    """Find the campaigns of a twin where they are found by their platform."""
    cursor = await connection.execute("SELECT campaign_id FROM campaigns WHERE platform_id = %s", (twin,))
    return {campaign_id async for (campaign_id,) in cursor}


def _parse(key: str) -> tuple[UUID, ...] | None:
    prefix = key.partition("_")[0]
    return ids.parse(prefix, key, _KEYS[prefix]) if prefix in _KEYS else None


async def remove_rows(
    connection: AsyncConnection[TupleRow], table: Table, twin: UUID, campaigns: Sequence[UUID], limit: int
) -> int:
    """Remove rows of a twin, no more than so many; returns how many. Rows that somebody has locked are left."""
    if not is_test(twin):
        raise ValueError("rows of a real platform are never removed")
    conditions = [sql.SQL("platform_id = %(twin)s")] if table.has_platform else []
    if not table.by_platform:
        conditions.append(sql.SQL("campaign_id = ANY (%(campaigns)s)"))
    query = sql.SQL(
        "WITH gone AS (DELETE FROM {table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM {table} WHERE {condition}"
        " LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone"
    ).format(table=sql.Identifier(table.name), condition=sql.SQL(" AND ").join(conditions))
    cursor = await connection.execute(query, {"twin": twin, "campaigns": [*campaigns, NO_CAMPAIGN], "limit": limit})
    return _count(await cursor.fetchone())


async def remove_heard(connection: AsyncConnection[TupleRow], twin: UUID, limit: int) -> int:
    """Remove what the inbox has of a twin's keys, and what is parked of them; returns how many keys."""
    cursor = await connection.execute(
        "WITH keys AS (SELECT topic, key FROM inbox WHERE twin_id = %s LIMIT %s),"
        " parked AS (DELETE FROM parked_messages AS p USING keys AS k WHERE p.topic = k.topic AND p.key = k.key),"
        " gone AS (DELETE FROM inbox AS i USING keys AS k WHERE i.topic = k.topic AND i.key = k.key RETURNING 1)"
        " SELECT count(*) FROM gone",
        (twin, limit),
    )
    return _count(await cursor.fetchone())


def _count(row: TupleRow | None) -> int:
    return int(row[0]) if row else 0
