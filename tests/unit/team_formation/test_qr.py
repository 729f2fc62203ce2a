"""QR codes: the very modules of the standard, dark on light with a quiet zone, and nothing that runs."""

import struct
import zlib
from xml.etree import ElementTree as ET

import pytest
import segno

from services.team_formation.sharing.qr import QUIET_ZONE, Format, draw

LINK = "https://shop.example/i/4kQz9TfWm2Lx"
SVG = "{http://www.w3.org/2000/svg}"


def modules(content: str) -> list[list[bool]]:
    """The dark modules of a code with its quiet zone."""
    code = segno.make_qr(content, error="m")
    return [[bool(module) for module in row] for row in code.matrix_iter(border=QUIET_ZONE)]


def pixels(png: bytes) -> list[list[bool]]:
    """The dark pixels of a PNG of one bit a pixel whose rows are as they are or differences to the row above."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, colour, _, _, interlace = struct.unpack("!IIBBBBB", png[16:29])
    assert (depth, interlace) == (1, 0)
    chunks, at = {b"": b""}, 8
    while at < len(png):
        (size,), kind = struct.unpack("!I", png[at : at + 4]), png[at + 4 : at + 8]
        chunks[kind] = chunks.get(kind, b"") + png[at + 8 : at + 8 + size]
        at += size + 12
    dark = 0 if colour == 0 else _darkest(chunks[b"PLTE"])
    raw, stride = zlib.decompress(chunks[b"IDAT"]), 1 + (width + 7) // 8
    rows = [bytes(stride - 1)]
    for row in range(height):
        how, *line = raw[row * stride : (row + 1) * stride]
        assert how in {0, 2}
        rows.append(bytes((byte + above * (how == 2)) % 256 for byte, above in zip(line, rows[-1], strict=True)))
    return [[(row[x // 8] >> (7 - x % 8)) & 1 == dark for x in range(width)] for row in rows[1:]]


def _darkest(palette: bytes) -> int:
    colours = [palette[at : at + 3] for at in range(0, len(palette), 3)]
    return colours.index(min(colours))


@pytest.mark.parametrize("scale", [1, 8, 32])
def test_a_png_has_the_modules_of_the_code(scale: int) -> None:
    expected = [[module for module in row for _ in range(scale)] for row in modules(LINK) for _ in range(scale)]
    assert pixels(draw(LINK, Format.PNG, scale)) == expected


def test_an_svg_has_the_modules_of_the_code() -> None:
    root = ET.fromstring(draw(LINK, Format.SVG))  # noqa: S314 - our own picture
    size = len(modules(LINK))
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == f"0 0 {size} {size}"
    assert root.get("width") is None
    background, code = root
    assert (background.get("fill"), background.get("d")) == ("#fff", f"M0 0h{size}v{size}h-{size}z")
    assert code.get("stroke") == "#000"
    assert painted(code.get("d") or "", size) == modules(LINK)


def painted(path: str, size: int) -> list[list[bool]]:
    """The modules that a path of horizontal strokes covers: M and m move, h paints."""
    dark = [[False] * size for _ in range(size)]
    x = y = 0.0
    for command, numbers in _commands(path):
        if command == "h":
            for column in range(int(x), int(x + numbers[0])):
                dark[int(y)][column] = True
            x += numbers[0]
        else:
            x, y = (numbers[0], numbers[1]) if command == "M" else (x + numbers[0], y + numbers[1])
    return dark


def _commands(path: str) -> list[tuple[str, list[float]]]:
    found: list[tuple[str, str]] = []
    for letter in path:
        found = [*found, (letter, "")] if letter.isalpha() else [*found[:-1], (found[-1][0], found[-1][1] + letter)]
    return [(command, [float(number) for number in numbers.replace("-", " -").split()]) for command, numbers in found]


def test_nothing_in_a_picture_runs_or_loads() -> None:
    picture = draw(LINK, Format.SVG)
    assert {element.tag for element in ET.fromstring(picture).iter()} == {f"{SVG}svg", f"{SVG}path"}  # noqa: S314
    for word in (b"<script", b"href", b"on", b"url("):
        assert word not in picture.replace(b'version="1.0" encoding="utf-8"', b"")


def test_a_code_is_read_with_parts_of_it_covered() -> None:
    code = segno.make_qr(LINK, error="m")
    assert code.error in {"M", "Q", "H"}
    assert not code.is_micro
