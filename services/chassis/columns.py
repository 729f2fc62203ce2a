"""Rows turned into columns, as unnest takes them."""

from collections.abc import Iterable


def columns(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    """Turn rows of one shape, at least one, into a list per column."""
    return [list(column) for column in zip(*rows, strict=True)]
