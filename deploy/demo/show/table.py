"""A table in columns of text: the first to the left, the others, which are numbers, to the right."""

from collections.abc import Sequence

from rich.cells import cell_len

_GAP = "  "


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Draw rows of equal length, each column as wide as its widest cell."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [_row(row, widths) for row in rows]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    spaces = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
    first, *others = [*zip(cells, spaces, strict=True)]
    return _GAP.join([first[0] + first[1], *(space + cell for cell, space in others)]).rstrip()
