"""The colours of pictures: calm, of no brand.

Text stands out from what is behind it by at least 4.5 to 1, as WCAG 2.2 asks for at level AA (1.4.3).
"""

from collections.abc import Iterator

from services.team_formation.web.picture.canvas import Colour

PAPER: Colour = (250, 249, 246)
INK: Colour = (23, 31, 42)
QUIET: Colour = (84, 94, 107)
PANEL: Colour = (13, 84, 75)
ON_PANEL: Colour = (255, 255, 255)
QUIET_ON_PANEL: Colour = (207, 232, 225)
STEPS: tuple[Colour, ...] = ((52, 118, 108), (96, 154, 144), (255, 209, 102))
"""The columns of the sign of a ladder; the last is the price that one gets."""

_EDGES = (
    (PAPER, INK),
    (PAPER, QUIET),
    (PAPER, PANEL),
    (PANEL, ON_PANEL),
    (PANEL, QUIET_ON_PANEL),
    *((PANEL, step) for step in STEPS),
)
_SHADES = 9
"""Between two colours, both included: as many as an eye tells apart at an edge."""


def palette() -> list[Colour]:
    """Give all colours of a picture without a photo: those above, and what is between them at an edge."""
    return list(dict.fromkeys(shade for behind, front in _EDGES for shade in _shades(behind, front)))


def _shades(behind: Colour, front: Colour) -> Iterator[Colour]:
    for at in range(_SHADES):
        red, green, blue = (
            round(one + (other - one) * at / (_SHADES - 1)) for one, other in zip(behind, front, strict=True)
        )
        yield red, green, blue
