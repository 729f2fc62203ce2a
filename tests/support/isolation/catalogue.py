"""The tables of a database, as the rule of isolation sees them."""

from collections.abc import Iterable

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tests.support.isolation.sources import Table

_TABLES = (
    "SELECT c.relname, a.attname, a.atttypid = 'uuid'::regtype FROM pg_class AS c JOIN pg_attribute AS a"
    " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace = 'public'::regnamespace"
    " AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition"
)
_UNIQUE = (
    "SELECT i.indrelid::regclass::text, array_agg(a.attname::text) FROM pg_index AS i JOIN pg_attribute AS a"
    " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indisunique AND i.indpred IS NULL"
    " AND 0 <> ALL (i.indkey) GROUP BY i.indexrelid, i.indrelid"
)
_FOREIGN = (
    "SELECT s.oid::regclass::text, array_agg(a.attname::text) FROM pg_constraint AS f CROSS JOIN LATERAL"
    " (VALUES (f.conrelid, f.conkey), (f.confrelid, f.confkey)) AS s (oid, numbers) JOIN pg_attribute AS a"
    " ON a.attrelid = s.oid AND a.attnum = ANY (s.numbers) WHERE f.contype = 'f' GROUP BY f.oid, s.oid"
)


async def tables_of(connection: AsyncConnection[TupleRow], ids: Iterable[str]) -> dict[str, Table]:
    """Read columns, keys and foreign keys of every table; `ids` are columns that are keys though they are no UUIDs."""
    columns: dict[str, dict[str, bool]] = {}
    for table, column, is_uuid in await _rows(connection, _TABLES):
        columns.setdefault(table, {})[column] = is_uuid
    unique = await _rows(connection, _UNIQUE)
    foreign = await _rows(connection, _FOREIGN)
    return {
        table: Table(
            frozenset(own),
            frozenset(
                [frozenset({name}) for name in ("campaign_id", *ids) if name in own]
                + [frozenset(key) for of, key in unique if of == table and all(own[name] for name in key)]
            ),
            frozenset(frozenset(link) for of, link in foreign if of == table),
        )
        for table, own in columns.items()
    }


async def _rows(connection: AsyncConnection[TupleRow], query: str) -> list[TupleRow]:
    return await (await connection.execute(query.encode())).fetchall()
