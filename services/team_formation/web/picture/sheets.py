"""Where text and photo of a picture stand, and how large letters are, for each shape with a photo and without."""

from dataclasses import dataclass

from services.team_formation.web.picture.canvas import Box
from services.team_formation.web.picture.poster import Shape

_RADIUS = 28


@dataclass(frozen=True, slots=True)
class Sizes:
    """Measures in pixels."""

    titles: tuple[int, ...]
    """Of the title's letters; the first is taken that fits."""
    price: int
    words: int
    """Of the letters of the words before the price."""
    small: int
    """Of all other letters."""
    gap: int
    """Between the panel and what is above and below it."""
    steps: int
    """Side of the sign of a ladder."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands where."""

    sizes: Sizes
    text: Box
    photo: Box | None
    photo_radius: int


def sheet(shape: Shape, *, with_photo: bool, is_rtl: bool) -> Sheet:
    """Lay out a shape; mirrored where its text runs from right to left."""
    if shape is Shape.WIDE:
        return _wide_with_photo(is_rtl=is_rtl) if with_photo else _wide()
    return _square_with_photo() if with_photo else _square()


def _wide() -> Sheet:
    sizes = Sizes(titles=(92, 80, 70, 62, 54, 48), price=104, words=42, small=34, gap=28, steps=116)
    return Sheet(sizes, _inset(Shape.WIDE, 56), None, 0)


def _wide_with_photo(*, is_rtl: bool) -> Sheet:
    """Put the photo beside the text, where reading ends."""
    sizes = Sizes(titles=(62, 56, 50, 45, 40), price=88, words=36, small=30, gap=22, steps=44)
    margin = 56
    inner = _inset(Shape.WIDE, margin)
    side, column = inner.height, inner.width - inner.height - margin
    first, second = (side, column) if is_rtl else (column, side)
    left = Box(inner.x, inner.y, first, side)
    right = Box(inner.x + first + margin, inner.y, second, side)
    text, photo = (right, left) if is_rtl else (left, right)
    return Sheet(sizes, text, photo, _RADIUS)


def _square() -> Sheet:
    sizes = Sizes(titles=(62, 54, 48, 42, 36), price=88, words=34, small=27, gap=20, steps=42)
    return Sheet(sizes, _inset(Shape.SQUARE, 36), None, 0)


def _square_with_photo() -> Sheet:
    """Put the photo above the text, from edge to edge: cards show it as large as a thumb."""
    sizes = Sizes(titles=(38, 34), price=70, words=28, small=24, gap=12, steps=34)
    inner, high = _inset(Shape.SQUARE, 28), 216
    top = high + 12
    text = Box(inner.x, top, inner.width, Shape.SQUARE.height - top - 18)
    return Sheet(sizes, text, Box(0, 0, Shape.SQUARE.width, high), 0)


def _inset(shape: Shape, margin: int) -> Box:
    return Box(margin, margin, shape.width - 2 * margin, shape.height - 2 * margin)
