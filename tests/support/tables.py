"""Reads the tables of docs/team-states.md: each row's cells by the names of its columns."""

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "team-states.md"


def read_table(first_column: str) -> list[dict[str, str]]:
    """Read the table whose first column is so named; KeyError where the page has none."""
    for block in PAGE.read_text().split("\n\n"):
        lines = [_cells(line) for line in block.splitlines() if line.startswith("|")]
        if lines and lines[0][0] == first_column:
            return [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]]
    raise KeyError(first_column)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
