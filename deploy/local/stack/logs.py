"""The logs of the parts: keep them small, show their end, follow them."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from deploy.local.stack.layout import log_path

_LARGEST_BYTES = 16 * 1024 * 1024
_CHECK_SECONDS = 20.0
_POLL_SECONDS = 0.2
_TAIL_BYTES = 256 * 1024


async def keep_small(data: Path, largest: int = _LARGEST_BYTES) -> None:
    """Rotate the logs below `data` from time to time, for ever: each stays below about twice `largest` bytes."""
    while True:
        for path in log_path(data, "any").parent.glob("*.log"):
            rotate(path, largest)
        await asyncio.sleep(_CHECK_SECONDS)


def rotate(path: Path, largest: int = _LARGEST_BYTES) -> bool:
    """Move the text of a log that is larger than `largest` bytes to PATH.1; whoever writes to it goes on at its start.

    Lines written between the copy and the cut are lost; these are logs for development.
    """
    if path.stat().st_size <= largest:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log, at most 256 KiB of them."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-lines:] if lines else []


async def follow(paths: Sequence[Path]) -> AsyncGenerator[tuple[Path, str], None]:
    """Give each whole line that is written to one of `paths` from now on, with its path; never ends."""
    ends = {path: path.stat().st_size if path.exists() else 0 for path in paths}
    while True:
        for path in paths:
            for line in _news(path, ends):
                yield path, line
        await asyncio.sleep(_POLL_SECONDS)


def _news(path: Path, ends: dict[Path, int]) -> list[str]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < ends[path]:  # it was cut
            ends[path] = 0
        file.seek(ends[path])
        whole, newline, _ = file.read().rpartition(b"\n")
    ends[path] += len(whole) + len(newline)
    return whole.decode(errors="replace").splitlines()
