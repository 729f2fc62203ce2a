"""Renews the planner's statistics of tables that have grown tenfold, sooner than PostgreSQL would.

A plan is kept as long as statistics stay. Made while a table was empty, it finds all ways equally good and may read a
whole campaign to find one member. PostgreSQL looks once a minute; a sale on a new installation may be over by then.
"""

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

_GROWN = (
    "SELECT s.relname FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid"
    " WHERE c.relkind = 'r' AND s.n_mod_since_analyze > 10 * greatest(c.reltuples, 20) ORDER BY s.relname"
)


async def renew(connection: AsyncConnection[TupleRow]) -> list[str]:
    """Renew what is needed, in autocommit; tells which tables."""
    grown = [name for (name,) in await (await connection.execute(_GROWN)).fetchall()]
    for name in grown:
        await connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
    return grown
