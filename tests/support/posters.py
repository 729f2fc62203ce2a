"""Posters of one product in the languages that the engine speaks, and a photo of it.

.venv/bin/python -m tests.support.posters      # writes docs/pictures/invite-*, tells how long each took
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from math import cos, pi, sin
from pathlib import Path
from time import perf_counter

from PIL import Image, ImageDraw

from services.team_formation.web.images import reencode
from services.team_formation.web.picture import Poster, Shape, draw, media_type

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"

POSTERS = {
    "en": Poster(
        title="Organic strawberries, 2 kg crate",
        seller="Green Valley Farm",
        alone="Alone 39.90 €",
        lowest="down to 19.90 € with 5",
        closing="Closes 12 Nov 2026, 20:00 (UTC+01:00)",
        language="en",
        price="19.90 €",
    ),
    "zh-Hans": Poster(
        title="有机草莓新鲜水果礼盒 2千克装 当季现摘 冷链配送",
        seller="绿谷农场",
        alone="单独购买 ¥39.90",
        lowest="5人拼团低至¥19.90",
        closing="2026年11月12日 20:00 (UTC+08:00) 截止",
        language="zh-Hans",
        price="¥19.90",
    ),
    "es": Poster(
        title="Fresas ecológicas de temporada, caja de 2 kg",
        seller="Huerta del Valle",
        alone="Por separado: 39,90 €",
        lowest="hasta 19,90 € con 5 personas",
        closing="Cierra el 12 nov 2026, 20:00 (UTC+01:00)",
        language="es",
        price="19,90 €",
    ),
    "ar": Poster(
        title="فراولة عضوية طازجة، صندوق 2 كجم",
        seller="مزرعة الوادي الأخضر",
        alone="للفرد 39.90 ر.س",
        lowest="حتى 19.90 ر.س مع 5 أشخاص",
        closing="ينتهي في 12 نوفمبر 2026، 20:00 (UTC+03:00)",
        language="ar",
        price="19.90 ر.س",
    ),
}

SHOWN = (
    ("invite-en", "en", Shape.WIDE, True),
    ("invite-zh-hans", "zh-Hans", Shape.WIDE, False),
    ("invite-es", "es", Shape.WIDE, False),
    ("invite-ar", "ar", Shape.WIDE, True),
    ("invite-square", "en", Shape.SQUARE, True),
)
"""File, language, shape, and whether it has a photo."""

Colour = tuple[int, int, int]
Points = list[tuple[float, float]]
_BERRIES: tuple[tuple[int, int, int, Colour], ...] = (
    (600, 760, 330, (190, 34, 50)),
    (1010, 780, 340, (212, 48, 60)),
    (800, 980, 320, (226, 60, 66)),
)
_LEAF, _SEED, _SHADOW, _TABLE = (62, 128, 74), (247, 214, 140), (203, 216, 209), (229, 237, 232)


def main() -> None:
    """Write the pictures that the documents show."""
    for name, language, shape, with_photo in SHOWN:
        poster = replace(POSTERS[language], image=photo() if with_photo else None)
        draw(poster, shape)  # the first one reads the fonts
        begun = perf_counter()
        picture = draw(poster, shape)
        milliseconds = (perf_counter() - begun) * 1000
        suffix = {"image/png": ".png", "image/jpeg": ".jpg"}[media_type(picture)]
        (PICTURES / name).with_suffix(suffix).write_bytes(picture)
        print(f"{name}{suffix}: {len(picture):,} bytes in {milliseconds:.0f} ms")  # noqa: T201 - a command


@lru_cache(maxsize=1)
def photo() -> bytes:
    """Give a picture of the product, as `reencode` gives the shop's own; it is drawn."""
    image = Image.new("RGB", (1600, 1600), _TABLE)
    canvas = ImageDraw.Draw(image)
    canvas.ellipse((260, 1130, 1340, 1400), fill=_SHADOW)
    for x, y, size, colour in _BERRIES:
        canvas.polygon(list(_berry(x, y, size)), fill=colour)
        for seed_x, seed_y in _seeds(x, y, size):
            canvas.ellipse((seed_x - 7, seed_y - 11, seed_x + 7, seed_y + 11), fill=_SEED)
        canvas.polygon(list(_leaves(x, y - size, size * 0.5)), fill=_LEAF)
    file = io.BytesIO()
    image.save(file, "PNG")
    return reencode(file.getvalue())


def _berry(x: int, y: int, size: int) -> Iterator[tuple[float, float]]:
    """Yield the outline: round above, tapered below."""
    for at in range(120):
        angle = 2 * pi * at / 120
        down = -cos(angle)
        yield x + size * 0.95 * sin(angle) * (1 - 0.3 * (down + 1) / 2), y + size * down


def _seeds(x: int, y: int, size: int) -> Iterator[tuple[float, float]]:
    for row in range(-2, 4):
        for column in range(-2, 3):
            across = (column + row % 2 / 2) * 0.3
            if abs(across) < 0.75 - 0.12 * row:
                yield x + size * across, y + size * row * 0.22


def _leaves(x: float, y: float, size: float) -> Iterator[tuple[float, float]]:
    for at in range(14):
        far = size * (1 if at % 2 else 0.4)
        yield x + far * sin(2 * pi * at / 14), y + size * 0.3 + far * 0.55 * cos(2 * pi * at / 14)


if __name__ == "__main__":
    main()
