"""Text in columns of a terminal, where some characters take two."""

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

WIDTH = 80

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def cut(text: str, width: int) -> str:
    """Shorten a text to so many columns."""
    line = " ".join(text.split())
    return line if cell_len(line) <= width else set_cell_size(line, width - 3).rstrip() + "..."


def fill(text: str, width: int) -> str:
    """Make a text exactly so many columns wide."""
    return set_cell_size(cut(text, width), width)


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most so many columns; a word that is longer is broken."""
    return list(_wrapped(text, width))


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while cell_len(line) > width:
            head = set_cell_size(line, width).rstrip()
            yield head
            line = line[len(head) :]
    if line:
        yield line


def counted(number: int, noun: str) -> str:
    """Write `1 seat` or `2 seats`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(seconds: float) -> str:
    """Write a length of time in the largest unit that needs no fraction: `2 h`, `90 s`, `1.5 s`."""
    size, unit = next((found for found in _UNITS if seconds >= found[0] and seconds % found[0] == 0), (1, "s"))
    return f"{seconds / size:g} {unit}"
