"""Tables hash-partitioned by campaign, as a distributed database spreads them, and what statements touch of them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, AsyncCursor, sql

from services.chassis.bursts import Burst, Sent

PARTITIONS = 8
_PARTITION = re.compile(r"(?P<table>\w+)_of_(?P<number>\d+)")
_OUR_TABLES = (
    "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'campaign_id'"
    " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname"
)


async def partition(url: str, apart: Sequence[str]) -> set[str]:
    """Make every table that has a campaign_id, but those apart, a partitioned one, and give their names.

    They must be empty. The copy has columns, defaults, checks and indexes; a key without the campaign is refused.
    """
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        rows = await (await connection.execute(_OUR_TABLES)).fetchall()
        tables = [table for (table,) in rows if table not in apart]
        for table in tables:
            await _partition(connection, table)
        for table in tables:
            await connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(f"plain_{table}")))
    return set(tables)


async def _partition(connection: AsyncConnection[Any], table: str) -> None:
    name, plain = sql.Identifier(table), sql.Identifier(f"plain_{table}")
    await connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(name, plain))
    await connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL) PARTITION BY HASH (campaign_id)").format(name, plain)
    )
    for number in range(PARTITIONS):
        await connection.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES WITH (MODULUS {}, REMAINDER {})").format(
                sql.Identifier(f"{table}_of_{number}"), name, sql.Literal(PARTITIONS), sql.Literal(number)
            )
        )


@dataclass(frozen=True)
class Statement:
    """A statement as it was sent: its text, and its parameters."""

    text: str
    parameters: Any

    @property
    def is_planned(self) -> bool:
        """Whether PostgreSQL makes a plan for it."""
        return self.text.lstrip("(").split(maxsplit=1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Statement]]:
    """Record every statement that any cursor or burst sends meanwhile."""
    found: list[Statement] = []
    with monkeypatch.context() as patch:
        execute, executemany, in_burst = AsyncCursor.execute, AsyncCursor.executemany, Burst.run

        async def one(self: Any, query: Any, params: Any = None, **how: Any) -> Any:
            found.append(Statement(str(query), params))
            return await execute(self, query, params, **how)

        async def many(self: Any, query: Any, params_seq: Any, **how: Any) -> None:
            found.extend(Statement(str(query), params) for params in params_seq)
            await executemany(self, query, params_seq, **how)

        def run(self: Burst, statement: str, parameters: Sequence[Any] = ()) -> Sent:
            found.append(Statement(statement, parameters))
            return in_burst(self, statement, parameters)

        patch.setattr(Burst, "run", run)
        patch.setattr(AsyncCursor, "execute", one)
        patch.setattr(AsyncCursor, "executemany", many)
        yield found


@dataclass(frozen=True)
class Touched:
    """What a plan looks at: our tables, the partitions of them by number, and tables as a whole."""

    tables: frozenset[str]
    partitions: frozenset[int]
    wholes: frozenset[str]


async def touched(connection: psycopg.AsyncConnection[Any], statement: Statement, ours: set[str]) -> Touched:
    """Have PostgreSQL plan a statement with its own parameters and read what it would touch."""
    cursor = await connection.execute(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters)
    row = await cursor.fetchone()
    nodes = list(_nodes(row[0][0]["Plan"])) if row else []
    parts = [found for name, _ in nodes if (found := _PARTITION.fullmatch(name)) and found["table"] in ours]
    # what is written goes to the partition of the row that was read, or to the one that a new row's campaign names
    written = {name for name, kind in nodes if name in ours and kind == "ModifyTable"}
    wholes = {name for name, kind in nodes if name in ours and kind != "ModifyTable"}
    return Touched(
        frozenset({found["table"] for found in parts} | written | wholes),
        frozenset(int(found["number"]) for found in parts),
        frozenset(wholes),
    )


def _nodes(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Node Type"]
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
