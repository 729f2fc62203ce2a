"""Text as glyphs: which font, which form, in which order from left to right, and how wide it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import uharfbuzz as hb

from services.team_formation.web.picture import bidi
from services.team_formation.web.picture.fonts import UNIT, Family, Weight, choose

LEADING = 1.3
"""From line to line, in sizes of the letters: room for Arabic, and for marks above capitals."""
CAPITALS = 0.714
"""Height of capitals and digits of our fonts, in sizes of the letters."""
ABOVE_CAPITALS = 0.27
"""Room above them in a line."""
ASCENT = ABOVE_CAPITALS + CAPITALS
"""From the top of a line to its baseline."""

_NEIGHBOURS = 5
"""Characters on each side that HarfBuzz looks at to join letters (CONTEXT_LENGTH of its hb-buffer.hh)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How letters look: their size in pixels, and how heavy they are."""

    size: int
    weight: Weight = Weight.MEDIUM


@dataclass(frozen=True, slots=True)
class Glyph:
    """A shape of a font, and where its origin is in its line: pixels from the left, and above the baseline."""

    font: hb.Font
    number: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, ready to be drawn."""

    glyphs: tuple[Glyph, ...]
    width: float
    size: int
    """Of its largest letters, in pixels."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style."""

    text: str
    style: Style


class Paragraph:
    """Text with styles, of which lines are made; characters that no font has are left out."""

    def __init__(self, spans: Sequence[Span], language: str, level: int) -> None:
        text = "".join(span.text for span in spans)
        styles = [span.style for span in spans for _ in span.text]
        chosen = zip(text, styles, choose(text, language), strict=True)
        kept = [(letter, style, family) for letter, style, family in chosen if family]
        self.text = "".join(letter for letter, _, _ in kept)
        self._looks: list[tuple[Family, Style]] = [(family, style) for _, style, family in kept]
        self._language = language
        self._level = level
        self._levels = bidi.levels(self.text, level)

    def line(self, start: int, stop: int, *, tail: str = "") -> Line:
        """Shape the text between two places; `tail`, of one character, is put behind it in its style."""
        text, looks, levels = self.text[start:stop], self._looks[start:stop], self._levels[start:stop]
        if tail and text:
            family = choose(text[-1] + tail, self._language)[-1] or looks[-1][0]
            text, looks, levels = text + tail, [*looks, (family, looks[-1][1])], [*levels, self._level]
        glyphs: list[Glyph] = []
        at = 0.0
        for run in self._runs(text, looks, levels):
            at = _shape(run, self._language, at, glyphs)
        return Line(tuple(glyphs), at, max((style.size for _, style in looks), default=0))

    def _runs(self, text: str, looks: Sequence[tuple[Family, Style]], levels: Sequence[int]) -> Iterator["_Run"]:
        """Yield stretches of one font, style and direction, from left to right."""
        for start, stop, level in bidi.visual(text, levels, self._level):
            parts, at = [], start
            for (family, style), same in groupby(looks[start:stop]):
                end = at + len(list(same))
                parts.append(_Run(text, at, end, family.font(style.size, style.weight), level % 2 == bidi.RIGHT))
                at = end
            yield from reversed(parts) if level % 2 else parts


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch of a line; its neighbours decide with it how letters join."""

    text: str
    start: int
    stop: int
    font: hb.Font
    is_rtl: bool


def _shape(run: _Run, language: str, at: float, glyphs: list[Glyph]) -> float:
    """Add the glyphs of a stretch that begins at a place; tell where it ends."""
    buffer = hb.Buffer()
    begin = max(0, run.start - _NEIGHBOURS)
    around = [ord(letter) for letter in run.text[begin : run.stop + _NEIGHBOURS]]
    buffer.add_codepoints(around, run.start - begin, run.stop - run.start)
    buffer.direction = "rtl" if run.is_rtl else "ltr"
    buffer.language = language
    buffer.guess_segment_properties()
    hb.shape(run.font, buffer)
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True):
        x, y = at + position.x_offset / UNIT, position.y_offset / UNIT
        glyphs.append(Glyph(run.font, info.codepoint, x, y))
        at += position.x_advance / UNIT
    return at
