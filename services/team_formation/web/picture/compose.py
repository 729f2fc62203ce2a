"""A poster on its sheet: seller and title above, the panel of the lowest price, two facts below."""

from dataclasses import replace
from functools import partial
from unicodedata import category

from PIL import Image

from services.team_formation.web.picture import colours
from services.team_formation.web.picture.canvas import Box, Canvas
from services.team_formation.web.picture.clean import cleaned
from services.team_formation.web.picture.fonts import Weight, drawable
from services.team_formation.web.picture.panel import draw_panel
from services.team_formation.web.picture.poster import Poster, Shape
from services.team_formation.web.picture.shaping import LEADING, Span, Style
from services.team_formation.web.picture.sheets import Sheet, sheet
from services.team_formation.web.picture.writer import Writer

_MOST_TITLE_LINES = 3
_ENOUGH = 0.75
"""Of a text's letters: a chat shows the title beside the picture anyway."""
_BETWEEN_FACTS = 40
"""Pixels between two on one line."""


def compose(poster: Poster, shape: Shape, photo: Image.Image | None) -> Canvas:
    """Draw a poster with a photo or without; the poster's own image is left aside."""
    canvas = Canvas(shape.width, shape.height, colours.PAPER)
    writer = Writer(canvas, poster.language)
    where = sheet(shape, with_photo=photo is not None, is_rtl=writer.is_rtl)
    if photo and where.photo:
        canvas.photo(photo, where.photo, where.photo_radius)
    _write(writer, _cleaned(poster), where)
    return canvas


def _cleaned(poster: Poster) -> Poster:
    tidy = partial(_tidy, language=poster.language)
    return replace(
        poster,
        title=tidy(poster.title),
        seller=tidy(poster.seller),
        alone=tidy(poster.alone),
        lowest=tidy(poster.lowest),
        closing=tidy(poster.closing),
        price=tidy(poster.price),
    )


def _write(writer: Writer, poster: Poster, where: Sheet) -> None:
    """Write from below and from above; the title has what is between."""
    sizes, box = where.sizes, where.text
    bottom = _facts(writer, poster, box, sizes.small)
    above = Box(box.x, box.y, box.width, bottom - sizes.gap * (bottom < box.y + box.height) - box.y)
    bottom = draw_panel(writer, poster.lowest, poster.price, above, sizes)
    top = _seller(writer, poster.seller, box, sizes.small)
    _title(writer, poster, Box(box.x, top, box.width, bottom - sizes.gap - top), sizes.titles)


def _plain(text: str, size: int, weight: Weight = Weight.MEDIUM) -> list[Span]:
    return [Span(text, Style(size, weight))]


def _facts(writer: Writer, poster: Poster, box: Box, size: int) -> int:
    """Write what one pays alone, and until when, at the bottom of a box; tell where they begin."""
    alone = writer.lines(partial(_plain, poster.alone, weight=Weight.BOLD), (size,), box.width, 1)
    closing = writer.lines(partial(_plain, poster.closing), (size, size * 9 // 10, size * 8 // 10), box.width, 1)
    row = int(size * LEADING)
    bottom = box.y + box.height
    if alone and closing and alone[0].width + _BETWEEN_FACTS + closing[0].width <= box.width:
        where = Box(box.x, bottom - row, box.width, row)
        writer.write(alone, where, colours.INK)
        writer.write(closing, where, colours.QUIET, at_end=True)
        return where.y
    for lines, colour in ((closing, colours.QUIET), (alone, colours.INK)):
        if lines:
            bottom -= row
            writer.write(lines, Box(box.x, bottom, box.width, row), colour)
    return bottom


def _seller(writer: Writer, seller: str, box: Box, size: int) -> int:
    lines = writer.foreign_lines(partial(_plain, seller), (size,), box.width, 1)
    row = int(size * LEADING)
    writer.write(lines, Box(box.x, box.y, box.width, row), colours.QUIET)
    return box.y + (row + size // 4 if lines else 0)


def _title(writer: Writer, poster: Poster, box: Box, sizes: tuple[int, ...]) -> None:
    if box.height > 0:
        spans = partial(_plain, poster.title, weight=Weight.BOLD)
        lines = writer.foreign_lines(spans, sizes, box.width, _MOST_TITLE_LINES, box.height)
        writer.write(lines, box, colours.INK)


def _tidy(text: str, language: str) -> str:
    """Give what can be drawn of a text; nothing, if that is so little that it would say something else."""
    clean = cleaned(text)
    found = drawable(clean, language)
    return cleaned(found) if _letters(found) >= _letters(clean) * _ENOUGH else ""


def _letters(text: str) -> int:
    return sum(category(letter)[0] == "L" for letter in text)
