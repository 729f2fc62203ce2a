"""Makes a file of strangers safe to serve, in a process of its own that is ended where it takes too much.

Readers of pictures are written in C and meet whatever somebody sends: the process has no secret and no connection, a
bound on memory and time, and whatever becomes of it harms nobody else.
"""

import asyncio
import os
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field

SECONDS = 20.0
LARGE_SIDE = 800
"""Pixels of the longest side: what a poster's panel and a dense screen show."""
SMALL_SIDE = 400
HEADER = struct.Struct("!HHHII")
"""Width, height, width of the small one, bytes of both; before them, or all 0 before words that say why not."""


class NotMade(Exception):
    """A file that nothing to show is made of; the text says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A picture as it is served, as JPEG."""

    width: int
    height: int
    large: bytes = field(repr=False)
    small: bytes | None = field(repr=False)
    """None where the large one has as few pixels."""
    small_width: int


class Maker:
    """Has pictures made, one after the other: the largest take 400 MB while they are read."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def make(self, raw: bytes) -> Made:
        """Make a file safe; NotMade where it is no picture, or takes too much."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.team_formation.images.apart",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(sys.path)},
            )
            try:
                async with asyncio.timeout(self._seconds):
                    written, _ = await process.communicate(raw)
            except TimeoutError:
                raise NotMade(f"reading the picture took longer than {self._seconds:g} seconds") from None
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return _read(written)


def _read(written: bytes) -> Made:
    if len(written) < HEADER.size:
        raise NotMade("reading the picture takes too much memory or time")
    width, height, small_width, large_size, small_size = HEADER.unpack_from(written)
    rest = written[HEADER.size :]
    if not width:
        raise NotMade(rest.decode(errors="replace"))
    if len(rest) != large_size + small_size:
        raise NotMade("reading the picture takes too much memory or time")
    return Made(width, height, rest[:large_size], rest[large_size:] or None, small_width)
