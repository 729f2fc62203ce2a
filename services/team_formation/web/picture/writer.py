"""Writes text of one language onto a canvas: from where its reading begins, and as large as there is room."""

from collections.abc import Callable, Sequence
from math import inf

from services.chassis.formats import parse_locale
from services.team_formation.web.picture import bidi
from services.team_formation.web.picture.canvas import Align, Box, Canvas, Colour
from services.team_formation.web.picture.shaping import Line, Paragraph, Span
from services.team_formation.web.picture.wrapping import largest

Spans = Callable[[int], list[Span]]
"""Gives a text in letters of a size."""


class Writer:
    """Writes onto a canvas in a BCP 47 language."""

    def __init__(self, canvas: Canvas, language: str) -> None:
        locale = parse_locale(language)
        self.canvas = canvas
        self.language = language if language.isascii() else "und"
        self.is_rtl = locale is not None and locale.text_direction == "rtl"
        self._level = bidi.RIGHT if self.is_rtl else bidi.LEFT

    def lines(self, spans: Spans, sizes: Sequence[int], width: int, most: int, height: float = inf) -> tuple[Line, ...]:
        """Break a text of ours into lines, of the first of some sizes at which it fits."""
        return largest(lambda size: Paragraph(spans(size), self.language, self._level), sizes, width, most, height)

    def foreign_lines(
        self, spans: Spans, sizes: Sequence[int], width: int, most: int, height: float = inf
    ) -> tuple[Line, ...]:
        """Break a text of somebody else's, which may run in another direction than the language does."""

        def made(size: int) -> Paragraph:
            text = spans(size)
            return Paragraph(text, self.language, bidi.direction("".join(span.text for span in text), self._level))

        return largest(made, sizes, width, most, height)

    def write(self, lines: Sequence[Line], box: Box, colour: Colour, *, at_end: bool = False) -> None:
        """Write lines into a box, even where reading begins or where it ends."""
        align = Align.RIGHT if self.is_rtl != at_end else Align.LEFT
        self.canvas.text(lines, box, colour, align)
