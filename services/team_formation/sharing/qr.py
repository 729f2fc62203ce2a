"""QR codes of invite links (ISO/IEC 18004): dark on light, with the quiet zone of four modules that readers need."""

import io
from enum import StrEnum

import segno

QUIET_ZONE = 4
USUAL_SCALE = 8
LARGEST_SCALE = 32


class Format(StrEnum):
    """How a QR code is drawn; the value is its media type."""

    SVG = "image/svg+xml"
    PNG = "image/png"


def draw(content: str, form: Format, scale: int = USUAL_SCALE) -> bytes:
    """Draw a text; `scale` is pixels per module of a PNG, an SVG has a viewBox and takes the size of its place.

    A code is read with 15% of it covered (level M), or more where it grows no larger by that.
    """
    code = segno.make_qr(content, error="m")
    picture = io.BytesIO()
    colours = {"border": QUIET_ZONE, "dark": "#000", "light": "#fff"}
    if form is Format.SVG:
        code.save(picture, kind="svg", omitsize=True, svgclass=None, lineclass=None, **colours)
    else:
        code.save(picture, kind="png", scale=scale, **colours)
    return picture.getvalue()
