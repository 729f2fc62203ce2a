"""The panel of the lowest price: the words before it, the price in the largest letters, and steps that go down."""

from dataclasses import dataclass
from functools import partial

from services.team_formation.web.picture import colours
from services.team_formation.web.picture.canvas import Box
from services.team_formation.web.picture.fonts import Weight
from services.team_formation.web.picture.shaping import ABOVE_CAPITALS, CAPITALS, LEADING, Line, Span, Style
from services.team_formation.web.picture.sheets import Sizes
from services.team_formation.web.picture.writer import Writer

_SMALLER = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
_BESIDE_PRICE = 0.42
"""Size of the words behind the price, of the price's own."""
_WITHOUT_PRICE = 0.6
"""Size of the words where no price stands out, of what a price has."""
_BETWEEN = 0.55
"""From the words above to the price, in sizes of the words."""
_RADIUS = 24


@dataclass(frozen=True, slots=True)
class Words:
    """The lines of a panel: the one before the price if any, and those that it is in."""

    above: tuple[Line, ...]
    main: tuple[Line, ...]
    is_below_steps: bool
    """Whether the price has the whole width, as the steps are no higher than what is above it."""

    @property
    def above_height(self) -> int:
        """From the top of the words above to the top of what is below them, in pixels."""
        return _height_above(self.above)

    @property
    def height(self) -> int:
        """From the top of the capitals of the first line to the last baseline, in pixels."""
        return self.above_height + int(self.main[0].size * (CAPITALS + LEADING * (len(self.main) - 1)))


def draw_panel(writer: Writer, lowest: str, price: str, box: Box, sizes: Sizes) -> int:
    """Draw the panel in the lower part of a box; tell the height at which it begins."""
    pad = int(sizes.words * 0.85)
    room = Box(box.x + pad, box.y, box.width - 2 * pad, box.height - 2 * pad)
    words = _words(writer, lowest, price, room.width, sizes)
    bottom = box.y + box.height
    if not words.main:
        return bottom
    top = bottom - words.height - 2 * pad
    writer.canvas.panel(Box(box.x, top, box.width, bottom - top), _RADIUS, colours.PANEL)
    _write(writer, words, Box(room.x, top + pad, room.width, words.height))
    high = sizes.steps if words.is_below_steps else words.height
    _draw_steps(writer, Box(room.x, top + pad, room.width, high), sizes.steps)
    return top


def _height_above(lines: tuple[Line, ...]) -> int:
    return sum(int(line.size * (CAPITALS + _BETWEEN)) for line in lines)


def _words(writer: Writer, lowest: str, price: str, width: int, sizes: Sizes) -> Words:
    beside = width - sizes.steps - sizes.words
    before, found, after = lowest.partition(price) if price else ("", "", lowest)
    if not found:
        return Words((), _loud(writer, lowest, beside, sizes), is_below_steps=False)
    above = writer.lines(partial(_plain, before), _smaller(sizes.words), beside, 1)
    is_below = _height_above(above) >= sizes.steps
    main = writer.lines(partial(_price, found, after), _smaller(sizes.price), width if is_below else beside, 1)
    return Words(above, main, is_below)


def _loud(writer: Writer, lowest: str, width: int, sizes: Sizes) -> tuple[Line, ...]:
    return writer.lines(partial(_bold, lowest), _smaller(int(sizes.price * _WITHOUT_PRICE)), width, 2)


def _smaller(size: int) -> list[int]:
    return [int(size * factor) for factor in _SMALLER]


def _plain(text: str, size: int) -> list[Span]:
    return [Span(text.strip(), Style(size))]


def _bold(text: str, size: int) -> list[Span]:
    return [Span(text, Style(size, Weight.BOLD))]


def _price(price: str, after: str, size: int) -> list[Span]:
    space = " " * after.startswith(" ")
    return [*_bold(price + space, size), Span(after.removeprefix(" "), Style(int(size * _BESIDE_PRICE)))]


def _write(writer: Writer, words: Words, box: Box) -> None:
    for lines, top, colour in (
        (words.above, box.y, colours.QUIET_ON_PANEL),
        (words.main, box.y + words.above_height, colours.ON_PANEL),
    ):
        if lines:
            rise = int(lines[0].size * ABOVE_CAPITALS)
            height = int(sum(line.size for line in lines) * LEADING)
            writer.write(lines, Box(box.x, top - rise, box.width, height), colour)


def _draw_steps(writer: Writer, box: Box, size: int) -> None:
    """Draw them as high as a box, where reading ends."""
    left = box.x if writer.is_rtl else box.x + box.width - size
    writer.canvas.steps(Box(left, box.y, size, box.height), colours.STEPS, mirrored=writer.is_rtl)
