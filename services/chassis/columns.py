"""Rows turned into columns, as unnest takes them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any


def columns(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    """Turn rows of one shape, at least one, into a list per column."""
    return [list(column) for column in zip(*rows, strict=True)]


def typed_columns(rows: Iterable[tuple[Any, ...]], kinds: Sequence[Callable[[Iterable[Any]], Any]]) -> list[Any]:
    """Turn rows of one shape, at least one, into one array per column, each made by its kind (chassis/arrays.py).

    A kind may be `list` where there is no such array. For statements that many events go through: psycopg writes a list
    as text, element by element.
    """
    return [kind(column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]
