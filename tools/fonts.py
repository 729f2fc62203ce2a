"""Cuts the fonts of services/team_formation/web/fonts from those that Google Fonts gives out.

    npm pack @expo-google-fonts/noto-sans@0.4.2 @expo-google-fonts/noto-sans-arabic@0.4.3 \
        @expo-google-fonts/noto-sans-sc@0.4.3      # and unpack each into a folder named like it, below FOLDER
    .venv/bin/python tools/fonts.py FOLDER

Only a version of HarfBuzz or of a font makes other files. No layout is kept for Chinese: all that it would add are
glyphs for vertical text and of other regions.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uharfbuzz as hb

FONTS = Path(__file__).resolve().parents[1] / "services" / "team_formation" / "web" / "fonts"
_LAYOUT = ("GSUB", "GPOS", "GDEF", "vhea", "vmtx")


@dataclass(frozen=True)
class Cut:
    """A font to cut: its package, its file there, the characters that stay, the tables that go."""

    package: str
    file: str
    characters: frozenset[int]
    without: tuple[str, ...] = ()


def main(folder: Path) -> None:
    """Write every font and the licence of all of them."""
    for name, cut in cuts().items():
        source = hb.Face(hb.Blob.from_file_path(str(folder / cut.package / "package" / cut.file)))
        data = subset(source, cut.characters, cut.without)
        (FONTS / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    texts = [(folder / cut.package / "package" / "LICENSE_FONT").read_text() for cut in cuts().values()]
    (FONTS / "OFL.txt").write_text(licence(texts))


def cuts() -> dict[str, Cut]:
    """Give the fonts by the names of their files."""
    found = {}
    for weight in ("500Medium", "700Bold"):
        name = weight[3:]
        for family, characters in (("NotoSans", latin()), ("NotoSansArabic", arabic())):
            package = {"NotoSans": "noto-sans", "NotoSansArabic": "noto-sans-arabic"}[family]
            found[f"{family}-{name}.ttf"] = Cut(package, f"{weight}/{family}_{weight}.ttf", frozenset(characters))
    han = frozenset(chinese())
    found["NotoSansSC-Medium.ttf"] = Cut("noto-sans-sc", "500Medium/NotoSansSC_500Medium.ttf", han, _LAYOUT)
    return found


def latin() -> Iterator[int]:
    """Give Latin with Vietnamese, Greek, Cyrillic, their marks, punctuation, currencies and signs."""
    for first, last in ((0x20, 0x24F), (0x2B0, 0x52F), (0x1E00, 0x1FFF), (0x2000, 0x21FF), (0x2200, 0x22FF)):
        yield from range(first, last + 1)


def arabic() -> Iterator[int]:
    """Give Arabic with Persian and Urdu, what is written between its words, and ASCII for what is in brackets."""
    for first, last in ((0x20, 0x7E), (0x600, 0x6FF), (0x750, 0x77F), (0x200C, 0x200F), (0x2066, 0x2069)):
        yield from range(first, last + 1)


def chinese() -> set[int]:
    """Give GB 2312, the common half of Big5, kana and full-width forms; letters are in the Latin font."""
    han = {*_encoded("gb2312", range(0xA1, 0xF8)), *_encoded("big5", range(0xA4, 0xC7))}
    # The dash of Chinese text, U+2014, is none of Python's GB 2312.
    signs = {*range(0x2010, 0x2031), *range(0x3000, 0x3100), *range(0xFF00, 0xFFF0)}
    return {code for code in han | signs if code >= 0x2000}  # noqa: PLR2004 - General Punctuation begins


def _encoded(encoding: str, rows: Iterable[int]) -> Iterator[int]:
    for row in rows:
        for cell in range(0x40, 0xFF):
            try:
                yield ord(bytes([row, cell]).decode(encoding))
            except (UnicodeDecodeError, TypeError):
                continue


def subset(face: hb.Face, characters: Iterable[int], without: Iterable[str]) -> bytes:
    """Cut a font down to some characters, without hints: at the sizes of a picture nobody sees them."""
    wanted = hb.SubsetInput()
    wanted.flags = hb.SubsetFlags.NO_HINTING
    wanted.unicode_set.update(characters)
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode()) for tag in without)
    data: bytes = hb.subset(face, wanted).blob.data
    return data


def licence(texts: Iterable[str]) -> str:
    """Join the licences of fonts that differ in who holds the rights alone."""
    holders, bodies = zip(*(text.split("\n", 1) for text in texts), strict=True)
    if len(set(bodies)) != 1:
        raise ValueError("the fonts have different licences")
    return "\n".join([*dict.fromkeys(holders), bodies[0]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
