"""The fonts of pictures: those in web/fonts, then whatever of a list of well-known ones the system has.

Ours have Latin, Greek, Cyrillic, Arabic with Persian and Urdu, and Chinese: the 8,836 characters of GB 2312 and of the
common half of Big5. They are Noto fonts under the SIL Open Font License (web/fonts/OFL.txt), cut by tools/fonts.py. A
character of another script, or a rare one, is drawn in a font of the system; where that has none, it is left out.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib import resources
from pathlib import Path
from unicodedata import category

import uharfbuzz as hb

UNIT = 64
"""Of the sizes and positions that HarfBuzz computes with, in a pixel."""

_EMBOLDENED = 0.02
"""Of the em: what is added to a font that has no bold of its own."""
_EAST_ASIAN = frozenset({"zh", "ja", "ko"})
_LATIN, _ARABIC, _HAN = "NotoSans", "NotoSansArabic", "NotoSansSC"

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
_SCRIPTS = (
    "Devanagari Bengali Tamil Telugu Gujarati Gurmukhi Kannada Malayalam Sinhala Thai Lao Khmer Myanmar Hebrew "
    "Armenian Georgian Ethiopic Symbols2 Symbols Math"
)
# File, and which font of it. Debian's and Fedora's packages of Noto, then what macOS and Windows come with.
KNOWN = (
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansCJK-Medium.ttc", 2),
    *((f"NotoSans{script}-Regular.ttf", 0) for script in _SCRIPTS.split()),
    ("DejaVuSans.ttf", 0),
    ("PingFang.ttc", 0),
    ("AppleSDGothicNeo.ttc", 0),
    ("Arial Unicode.ttf", 0),
    ("msyh.ttc", 0),
    ("malgun.ttf", 0),
    ("Nirmala.ttc", 0),
    ("LeelawUI.ttf", 0),
    ("segoeui.ttf", 0),
)


class Weight(Enum):
    """How heavy letters are."""

    MEDIUM = "Medium"
    BOLD = "Bold"


@dataclass(frozen=True, eq=False)
class Family:
    """One design in both weights, and the characters that it has."""

    medium: hb.Face
    bold: hb.Face | None
    characters: hb.Set

    def font(self, size: int, weight: Weight) -> hb.Font:
        """Give it at a size in pixels."""
        return _font(self, size, weight)


@lru_cache(maxsize=256)
def _font(family: Family, size: int, weight: Weight) -> hb.Font:
    heavy = weight is Weight.BOLD
    font = hb.Font(family.bold if heavy and family.bold else family.medium)
    font.scale = (size * UNIT, size * UNIT)
    if heavy and not family.bold:
        font.synthetic_bold = (_EMBOLDENED, _EMBOLDENED, True)
    return font


def _face(path: str, index: int = 0) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(path), index)  # mapped: processes share its pages


@lru_cache(maxsize=1)
def _ours() -> dict[str, Family]:
    folder = resources.files("services.team_formation.web") / "fonts"
    found = {}
    for name in (_LATIN, _ARABIC, _HAN):
        medium = _face(str(folder / f"{name}-Medium.ttf"))
        bold = folder / f"{name}-Bold.ttf"
        found[name] = Family(medium, _face(str(bold)) if bold.is_file() else None, medium.unicodes)
    return found


@lru_cache(maxsize=1)
def of_system() -> tuple[Family, ...]:
    """Find the fonts of KNOWN that this machine has; one that cannot be read is none."""
    files: dict[str, str] = {}
    for folder in FOLDERS:
        for place, _, names in os.walk(folder):
            files |= {name: str(Path(place, name)) for name in names if name not in files}
    return tuple(_of_system(files))


def _of_system(files: dict[str, str]) -> Iterator[Family]:
    for name, index in KNOWN:
        if name in files:
            try:
                face = _face(files[name], index)
                characters = face.unicodes
            except (OSError, hb.HarfBuzzError):
                continue
            yield Family(face, None, characters)


def choose(text: str, language: str) -> list[Family | None]:
    """Choose a font for every character; None where there is none for it.

    Spaces and signs stay in the font of what is before them, as it was made for them; marks have to.
    """
    found: list[Family | None] = []
    before: Family | None = None
    for letter in text:
        stays = category(letter)[0] in "MZPSC" and before is not None and ord(letter) in before.characters
        family = before if stays else _find(letter, language)
        found.append(family)
        before = family or before
    return found


def drawable(text: str, language: str) -> str:
    """Leave out what no font has."""
    return "".join(letter for letter, family in zip(text, choose(text, language), strict=True) if family)


def _find(letter: str, language: str) -> Family | None:
    ours, code = _ours(), ord(letter)
    for name in _order(letter, language):
        if code in ours[name].characters:
            return ours[name]
    return next((family for family in of_system() if code in family.characters), None)


def _order(letter: str, language: str) -> tuple[str, str, str]:
    """Chinese has quotation marks, dashes and dots of its own width; letters are best in the font made for them."""
    is_sign = category(letter)[0] in "PS"
    if is_sign and language.partition("-")[0].lower() in _EAST_ASIAN:
        return _HAN, _LATIN, _ARABIC
    return _LATIN, _ARABIC, _HAN
