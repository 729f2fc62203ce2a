"""Rows that were asked for and are fetched later: in a pipeline several statements are under way before one is read."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

Item = TypeVar("Item")


class Rows(Generic[Item]):
    """The rows of an executed statement, made into items when they are fetched, once."""

    __slots__ = ("_cursor", "_make")

    def __init__(self, cursor: AsyncCursor[TupleRow], make: Callable[[tuple[Any, ...]], Item]) -> None:
        self._cursor = cursor
        self._make = make

    async def all(self) -> list[Item]:
        """Fetch the rows; in a pipeline, wait for them and for what was sent before."""
        return list(map(self._make, await self._cursor.fetchall()))
