"""Looks for texts in every column of every table of a database: as text, in JSON, and in bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import AsyncConnection, sql

_COUNT = sql.SQL("SELECT count(*) FROM {} WHERE position(%s IN {}::text) > 0 OR position(%s IN {}::text) > 0")


@dataclass
class Search:
    """What a search found: where, and how much it looked at."""

    found: list[str]
    """Database, table, and the text."""
    tables: int = 0
    columns: int = 0
    rows: int = 0


async def search(urls: Iterable[str], texts: Sequence[str], *, without: Sequence[str] = ()) -> Search:
    """Search databases for texts; `without` are tables that are left out, with their partitions."""
    done = Search([])
    for url in urls:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            for table in await _tables(connection):
                if not any(table == name or table.startswith(f"{name}_2") for name in without):
                    await _look(connection, table, texts, done)
    return done


async def _tables(connection: AsyncConnection) -> list[str]:
    rows = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [name async for (name,) in rows]


async def _look(connection: AsyncConnection, table: str, texts: Sequence[str], done: Search) -> None:
    columns = await connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", (table,)
    )
    names = [name async for (name,) in columns]
    [(rows,)] = await (
        await connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    ).fetchall()
    done.tables, done.columns, done.rows = done.tables + 1, done.columns + len(names), done.rows + rows
    for name in names if rows else ():
        for text in texts:
            query = sql.SQL(
                "SELECT count(*) FROM {} AS t WHERE position(%s IN t.{}::text) > 0 OR position(%s IN t.{}::text) > 0"
            )
            cursor = await connection.execute(
                query.format(sql.Identifier(table), sql.Identifier(name), sql.Identifier(name)),
                (text, text.encode().hex()),
            )
            [(count,)] = await cursor.fetchall()
            if count:
                done.found.append(f"{connection.info.dbname}.{table}.{name}: {text} in {count} rows")
