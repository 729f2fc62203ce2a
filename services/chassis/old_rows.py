"""Removes rows by their age, in small batches, from any table of a service."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow


async def remove_old(
    connection: AsyncConnection[TupleRow],
    table: str,
    key: Sequence[str],
    column: str,
    before: datetime,
    limit: int,
    only: str = "",
) -> int:
    """Remove rows whose time is before another, the oldest first and no more than so many; returns how many.

    Rows that somebody has locked are left for the next time. `only` is a condition of ours, from retention.toml.
    """
    named = sql.SQL(", ").join(map(sql.Identifier, key))
    query = sql.SQL(
        "WITH old AS (SELECT {key} FROM {table} WHERE {column} < %s AND {only} ORDER BY {column} LIMIT %s"
        " FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM {table} WHERE ({key}) IN (SELECT * FROM old) RETURNING 1)"
        " SELECT count(*) FROM gone"
    ).format(
        key=named,
        table=sql.Identifier(table),
        column=sql.Identifier(column),
        only=sql.SQL(only or "true"),
    )
    cursor = await connection.execute(query, (before, limit))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
