"""Rows that were asked for and are fetched later: in a pipeline several statements are under way before one is read.

A statement that is asked of several campaigns is sent once for each, with its own parameters: so each names one
campaign, and a database that is distributed by campaign answers it in one place.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from services.chassis.bursts import Burst, Sent

Item = TypeVar("Item")


class Rows(Generic[Item]):
    """The rows of an executed statement, made into items when they are fetched, once."""

    __slots__ = ("_cursor", "_make")

    def __init__(self, cursor: AsyncCursor[TupleRow] | Sent, make: Callable[[tuple[Any, ...]], Item]) -> None:
        self._cursor = cursor
        self._make = make

    async def all(self) -> list[Item]:
        """Fetch the rows; in a pipeline, wait for them and for what was sent before."""
        return list(map(self._make, await self._cursor.fetchall()))


class Asked(Generic[Item]):
    """The rows of a statement that was asked once for each of several sets of parameters."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[Rows[Item]]) -> None:
        self._rows = rows

    async def all(self) -> list[list[Item]]:
        """Fetch the rows, a list for each set of parameters, in order."""
        return [await rows.all() for rows in self._rows]

    async def one(self) -> list[Item]:
        """Fetch the rows of a statement that was asked once."""
        return await self._rows[0].all()


async def ask(
    connection: AsyncConnection[TupleRow],
    statement: str,
    parameters: Sequence[Sequence[Any]],
    make: Callable[[tuple[Any, ...]], Item],
) -> Asked[Item]:
    """Execute a statement for each set of parameters, at least one; the rows come in binary."""
    if burst := Burst.under_way(connection):
        return Asked([Rows(burst.run(statement, values), make) for values in parameters])
    return Asked([Rows(await connection.execute(statement, values, binary=True), make) for values in parameters])


async def put(connection: AsyncConnection[TupleRow], statement: str, parameters: Sequence[Sequence[Any]]) -> None:
    """Execute a statement that gives no rows for each set of parameters; none is fine."""
    burst = Burst.under_way(connection)
    for values in parameters:
        if burst:
            burst.run(statement, values)
        else:
            await connection.execute(statement, values)


def marks(count: int) -> str:
    """Write the marks of so many parameters."""
    return ", ".join(["%s"] * count)
