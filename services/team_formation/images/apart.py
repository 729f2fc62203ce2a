"""The process that one file is made safe in: reads it from its input, writes what is served of it, and ends."""

import io
import resource
import sys
from contextlib import suppress

from PIL import Image

from services.team_formation.images.making import HEADER, LARGE_SIDE, SECONDS, SMALL_SIDE
from services.team_formation.web.images import ImageRefused, reencode

MOST_MEMORY = 1024 * 1024 * 1024
"""Bytes of address space, libraries included."""


def main() -> None:
    """Make one picture."""
    _bound(resource.RLIMIT_AS, MOST_MEMORY)
    _bound(resource.RLIMIT_CPU, int(SECONDS))
    _bound(resource.RLIMIT_CORE, 0)
    sys.stdout.buffer.write(made_of(sys.stdin.buffer.read()))


def made_of(raw: bytes) -> bytes:
    """Write what is made of a file, or why nothing is."""
    try:
        large = reencode(raw, longest_side=LARGE_SIDE)
    except ImageRefused as refused:
        return HEADER.pack(0, 0, 0, 0, 0) + str(refused).encode()
    width, height = _size(large)
    small = reencode(large, longest_side=SMALL_SIDE) if max(width, height) > SMALL_SIDE else b""
    small_width = _size(small)[0] if small else 0
    return HEADER.pack(width, height, small_width, len(large), len(small)) + large + small


def _size(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        return image.size


def _bound(what: int, most: int) -> None:
    with suppress(ValueError, OSError):  # macOS does not know them all
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
