"""A file of JSON lines that is appended to, read once at start, and rewritten when most of it is out of date."""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.log.files import write_all

_LOG = logging.getLogger(__name__)
_REWRITE_BYTES = 1 << 20

Entry = dict[str, Any]


class Journal:
    """Entries in order; `current` gives those that a rewritten file begins with."""

    def __init__(self, path: Path, current: Callable[[], Iterable[Entry]]) -> None:
        """Call `replay` before anything is appended."""
        self._path = path
        self._current = current
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._size = 0
        self._rewrite_at = _REWRITE_BYTES

    def replay(self) -> Iterator[Entry]:
        """The entries of the file; a last line that a kill cut short is taken away."""
        with self._path.open("rb") as lines:
            for line in lines:
                entry = _entry(line)
                if entry is None:
                    _LOG.warning("%s: the last line is not whole (killed while writing): cut", self._path)
                    break
                self._size += len(line)
                yield entry
        os.ftruncate(self._descriptor, self._size)

    def append(self, entries: Iterable[Entry]) -> None:
        """Hand entries to the operating system: a killed process keeps them. Raises Refused when it takes no more."""
        data = b"".join(_line(entry) for entry in entries)
        try:
            write_all(self._descriptor, data, self._size)
            self._size += len(data)
            if self._size > self._rewrite_at:
                self._rewrite()
        except OSError as error:
            _LOG.error("%s: cannot write: %s", self._path, error.strerror)
            raise Refused(ErrorCode.KAFKA_STORAGE_ERROR, str(error.strerror)) from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _rewrite(self) -> None:
        scratch = self._path.with_suffix(".new")
        with scratch.open("wb") as out:
            out.writelines(_line(entry) for entry in self._current())
            self._size = out.tell()
        scratch.replace(self._path)
        os.close(self._descriptor)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self._rewrite_at = max(_REWRITE_BYTES, 4 * self._size)


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _entry(line: bytes) -> Entry | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry: Entry = json.loads(line)
    except ValueError:
        return None
    return entry
