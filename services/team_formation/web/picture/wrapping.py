"""Text on as many lines as it needs, of those that there are: cut with an ellipsis where they do not do."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from services.team_formation.web.picture.breaks import clusters, nearest, opportunities
from services.team_formation.web.picture.shaping import LEADING, Line, Paragraph

ELLIPSIS = "…"
_BEFORE_ELLIPSIS = frozenset(" ,;:-–—.、，；：。·،")  # noqa: RUF001 - signs of full width
_WORTH_A_WORD = 0.7
"""Of what fits on the last line: the least that is kept so that no word is parted."""
_BALANCING = 5
"""Halvings of the width between too narrow and wide enough: what is left is no letter wide."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Lines of a text, and whether they show it as it is: whole, and no word of it parted."""

    lines: tuple[Line, ...]
    is_whole: bool


def wrapped(paragraph: Paragraph, width: float, most: int) -> Wrapped:
    """Break a text into at most `most` lines, of which none is wider than `width` pixels."""
    text = paragraph.text
    ends = opportunities(text)
    places = _places(paragraph, ends, width, most)
    if places is None:
        return Wrapped(tuple(_cut(paragraph, width, most)), is_whole=False)
    # Chinese can end a line within a word; where it has spaces, they tell phrases, and ending there costs no line more.
    for better in ([at for at in ends if text[at - 1] == " "], ends):
        if found := _balanced(paragraph, better, width, len(places)):
            return Wrapped(tuple(_lines(paragraph, found)), is_whole=True)
    return Wrapped((), is_whole=True)


def _places(paragraph: Paragraph, ends: Sequence[int], width: float, most: int) -> list[int] | None:
    """Find where lines end if they may at some places alone; None where it takes more lines, or no place is near."""
    found: list[int] = []
    start, stop = 0, len(paragraph.text)
    while start < stop:
        end = _fitting(paragraph, [*ends, stop], start, width) if len(found) < most else None
        if end is None:
            return None
        found.append(end)
        start = end
    return found


def _fitting(paragraph: Paragraph, ends: Sequence[int], start: int, width: float, tail: str = "") -> int | None:
    """Find the last of some places up to which the text from `start` on fits into the width."""
    open_ends = ends[bisect_right(ends, start) :]
    fit = bisect_right(open_ends, width, key=lambda end: _width(paragraph, start, end, tail))
    return open_ends[fit - 1] if fit else None


def _width(paragraph: Paragraph, start: int, end: int, tail: str) -> float:
    return paragraph.line(start, _trimmed(paragraph.text, start, end), tail=tail).width


def _trimmed(text: str, start: int, end: int) -> int:
    """Leave out the space that a line ends with."""
    while end > start and text[end - 1] == " ":
        end -= 1
    return end


def _lines(paragraph: Paragraph, ends: Sequence[int]) -> Iterator[Line]:
    for start, end in zip([0, *ends], ends, strict=False):
        yield paragraph.line(start, _trimmed(paragraph.text, start, end))


def _balanced(paragraph: Paragraph, ends: Sequence[int], width: float, most: int) -> list[int] | None:
    """Find ends that make few lines of about one length: a single word on the last line looks lost."""
    best = _places(paragraph, ends, width, most)
    low, high = width / 2, width
    for _ in range(_BALANCING if best and most > 1 else 0):
        middle = (low + high) / 2
        found = _places(paragraph, ends, middle, most)
        low, high, best = (low, middle, found) if found else (middle, high, best)
    return best


def _cut(paragraph: Paragraph, width: float, most: int) -> Iterator[Line]:
    """Break where it fits, within words too, and end with an ellipsis where text is left."""
    text, letters = paragraph.text, clusters(paragraph.text)
    words, start = opportunities(text), 0
    for left in range(most, 0, -1):
        end = _fitting(paragraph, [*letters, len(text)], start, width)
        if end is None:
            return  # not even one letter is as narrow
        if end < len(text) and left == 1:
            yield _last(paragraph, start, width)
            return
        end = (nearest(words, end, start) or end) if end < len(text) else end
        yield paragraph.line(start, _trimmed(text, start, end))
        start = end
        if start == len(text):
            return


def _last(paragraph: Paragraph, start: int, width: float) -> Line:
    """Shape what of a text fits before an ellipsis; whole words, if that does not cost much of the line."""
    end = _fitting(paragraph, clusters(paragraph.text), start, width, ELLIPSIS) or start
    word = nearest(opportunities(paragraph.text), end, start)
    if word and word - start >= (end - start) * _WORTH_A_WORD:
        end = word
    while end > start and paragraph.text[end - 1] in _BEFORE_ELLIPSIS:
        end -= 1
    return paragraph.line(start, end, tail=ELLIPSIS)


def largest(
    make: Callable[[int], Paragraph], sizes: Sequence[int], width: float, most: int, height: float = inf
) -> tuple[Line, ...]:
    """Take the first of descending sizes at which a text is shown whole in its room, else cut it at the last."""
    found = Wrapped((), is_whole=False)
    for size in sizes:
        lines = int(min(most, height // (size * LEADING)))
        found = wrapped(make(size), width, lines)
        if found.is_whole:
            break
    return found.lines
