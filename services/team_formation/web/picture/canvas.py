"""A surface to draw on: text, panels with round corners, steps and photos, each within its own box."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import uharfbuzz as hb
from PIL import Image, ImageDraw, ImageOps

from services.team_formation.web.picture.fonts import UNIT
from services.team_formation.web.picture.shaping import ASCENT, LEADING, Line

_SMOOTH = 4
"""Shapes are drawn this many times larger and reduced, as Pillow draws them with hard edges."""
_ASIDE, _BELOW = 0.15, 0.25
"""Of the size: how far ink may leave its box, as the tail of a reh or the dots of a yeh do. It is less than any gap."""

Colour = tuple[int, int, int]


class Align(Enum):
    """Where the lines of a text end evenly."""

    LEFT = 0.0
    RIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int


class Canvas:
    """A picture that is being drawn."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.image = Image.new("RGB", (width, height), colour)

    def text(self, lines: Sequence[Line], box: Box, colour: Colour, align: Align) -> None:
        """Write lines from the top of a box on; what would leave it is cut off."""
        size = max((line.size for line in lines), default=0)
        aside, width, height = int(size * _ASIDE), box.width + 2 * int(size * _ASIDE), box.height + int(size * _BELOW)
        raster = hb.RasterDraw()
        raster.scale_factor = (UNIT, UNIT)
        raster.extents = hb.RasterExtents(0, -height, width, height, width)
        top = 0.0
        for line in lines:
            left = aside + (box.width - line.width) * align.value
            _draw(raster, line, round(left), -round(top + line.size * ASCENT))  # whole pixels keep stems sharp
            top += line.size * LEADING
        drawn = raster.render()
        if drawn is None:
            raise MemoryError("a text could not be drawn")
        # HarfBuzz counts rows from below.
        mask = Image.frombuffer("L", (width, height), drawn.buffer, "raw", "L", drawn.extents.stride, -1)
        self.image.paste(colour, (box.x - aside, box.y), mask)

    def panel(self, box: Box, radius: int, colour: Colour) -> None:
        """Fill a box with round corners."""
        self.image.paste(colour, (box.x, box.y), _rounded(box.width, box.height, radius))

    def photo(self, photo: Image.Image, box: Box, radius: int) -> None:
        """Fill a box with the middle of a photo."""
        fitted = ImageOps.fit(photo, (box.width, box.height), Image.Resampling.LANCZOS)
        self.image.paste(fitted, (box.x, box.y), _rounded(box.width, box.height, radius))

    def steps(self, box: Box, colours: Sequence[Colour], *, mirrored: bool) -> None:
        """Draw columns that go down, the sign of a ladder of prices: one for each colour."""
        gap = box.width // (4 * len(colours))
        wide = (box.width - gap * (len(colours) - 1)) // len(colours)
        for at, colour in enumerate(colours):
            high = box.height * (len(colours) - at) // len(colours)
            place = len(colours) - 1 - at if mirrored else at
            column = Box(box.x + place * (wide + gap), box.y + box.height - high, wide, high)
            self.panel(column, wide // 4, colour)

    def png(self, palette: Sequence[Colour]) -> bytes:
        """Give it in the nearest of some colours, at most 256: a third of the bytes of one in all colours."""
        few = Image.new("P", (1, 1))
        few.putpalette([part for colour in palette for part in colour])
        return _saved(self.image.quantize(palette=few, dither=Image.Dither.NONE), "PNG")

    def jpeg(self, quality: int) -> bytes:
        """Give it with every colour at full resolution: letters on a panel would have frayed edges otherwise."""
        return _saved(self.image, "JPEG", quality=quality, subsampling="4:4:4", optimize=True)


def _draw(raster: hb.RasterDraw, line: Line, left: int, baseline: int) -> None:
    for glyph in line.glyphs:
        raster.transform = (1, 0, 0, 1, (left + glyph.x) * UNIT, (baseline + glyph.y) * UNIT)
        raster.draw_glyph(glyph.font, glyph.number)


def _rounded(width: int, height: int, radius: int) -> Image.Image:
    large = Image.new("L", (width * _SMOOTH, height * _SMOOTH), 0)
    corners = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(corners, radius * _SMOOTH, fill=255)
    return large.reduce(_SMOOTH)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
