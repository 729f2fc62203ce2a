"""Pictures of products that somebody else serves, made safe to show: read, reduced and written again.

What is written has nothing of the file that came but its pixels: no place where it was taken, no comment, no profile,
no second picture behind the first. It is a JPEG, since chats take nothing newer everywhere, and a picture of an invite
(`picture.Poster.image`) is made with it.

Colours of a wide profile (Display P3, Adobe RGB) are taken for sRGB, a little paler: reading the profiles of strangers
is not worth it.
"""

import io
import re
from collections.abc import Iterator

from PIL import Image, ImageOps

MOST_BYTES = 150_000
"""Of what `reencode` gives."""
USUAL_PIXELS = 25_000_000
"""The most that a picture may have: what telephones take by default. While it is read it needs up to 17 bytes for each
(WebP; 9 for PNG, 4 for JPEG)."""
USUAL_SIDE = 800

_BEGINNINGS = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_SCAN = b"\xff\xda"
_MOST_SCANS = 32
"""Of a JPEG. Each is decoded over the whole picture, so that thousands of empty ones would take minutes; encoders write
10 or so. libjpeg-turbo has a limit for the same reason (TJPARAM_SCANLIMIT), which Pillow does not set."""
_QUALITIES = (85, 75, 65, 55)
_SMALLER = 0.75
_MIXABLE = frozenset({"L", "LA", "RGB", "RGBA"})
_WHITE = (255, 255, 255)


class ImageRefused(Exception):
    """A file that is not shown: no picture of a kind that we take, broken, or too large. The text says which."""


def reencode(raw: bytes, most_pixels: int = USUAL_PIXELS, longest_side: int = USUAL_SIDE) -> bytes:
    """Give the picture of a PNG, JPEG, WebP or GIF file (its first frame) as a JPEG of at most MOST_BYTES.

    It is turned as its EXIF says, transparent parts are white, and no side is longer than `longest_side` pixels. A file
    of more than `most_pixels`, or of any other kind, raises ImageRefused before its pixels are read. The caller bounds
    the bytes that come, and calls on another thread: the largest take about a second.
    """
    kind = _kind(raw)
    try:
        with Image.open(io.BytesIO(raw), formats=(kind,)) as image:
            _check_size(image, most_pixels)
            image.draft("RGB", (longest_side, longest_side))  # a JPEG is read at a half, a quarter or an eighth
            plain = _reduced(image, longest_side)
    except ImageRefused:
        raise
    except Exception as error:  # readers of formats raise whatever they stumble over, to MemoryError
        raise ImageRefused(f"the {kind} file cannot be read: {error}") from error
    return next(picture for picture in _encoded(plain) if len(picture) <= MOST_BYTES)


def _kind(raw: bytes) -> str:
    kind = next((kind for kind, beginning in _BEGINNINGS.items() if beginning.match(raw)), None)
    if kind is None:
        raise ImageRefused("the file is no PNG, JPEG, WebP or GIF")
    if kind == "JPEG" and raw.count(_SCAN) > _MOST_SCANS:
        raise ImageRefused(f"the JPEG file has more than {_MOST_SCANS} scans")
    return kind


def _check_size(image: Image.Image, most_pixels: int) -> None:
    """Refuse by the header, whose size is what reading would fill."""
    if image.width * image.height > most_pixels:
        raise ImageRefused(f"the picture has {image.width} x {image.height} pixels, more than {most_pixels:,}")


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Give the pixels few, upright and opaque, on a picture that has nothing else."""
    few = _eight_bits(image)
    few.thumbnail((side, side), Image.Resampling.LANCZOS)
    ImageOps.exif_transpose(few, in_place=True)
    layer = few.convert("RGBA")
    plain = Image.new("RGB", layer.size, _WHITE)
    plain.paste(layer, mask=layer.getchannel("A"))
    return plain


def _eight_bits(image: Image.Image) -> Image.Image:
    """Give it in a mode whose pixels can be mixed."""
    if image.mode == "I;16":
        return image.point(lambda value: value / 256).convert("L")  # convert alone makes white of all above 255
    if image.mode in _MIXABLE and "transparency" not in image.info:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _encoded(image: Image.Image) -> Iterator[bytes]:
    """Yield it in ever fewer bytes: by quality, then smaller."""
    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality, optimize=True)
            yield file.getvalue()
        image = ImageOps.scale(image, _SMALLER)
