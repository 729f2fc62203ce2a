"""One segment file: batches one after the other, appended at the end and read by offset."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from deploy.local.broker.log.batch import HEADER_SIZE, Header, intact, parse
from deploy.local.broker.log.files import Files, write_all
from deploy.local.broker.log.index import Index

_LOG = logging.getLogger(__name__)
_WALK_BYTES = 65_536
SUFFIX = ".log"


class Segment:
    """The batches from offset `base` on; the file's name is that offset. `end` is the offset after its last record."""

    def __init__(self, directory: Path, base: int, files: Files) -> None:
        """Empty until `load` has read what the file holds."""
        self.path = directory / f"{base:020d}{SUFFIX}"
        self.base = base
        self.end = base
        self.size = 0
        self.first_timestamp = -1
        self._files = files
        self._index = Index()

    @property
    def max_timestamp(self) -> int:
        """The highest timestamp of a record, milliseconds; -1 when empty."""
        return self._index.max_timestamp

    @classmethod
    def create(cls, directory: Path, base: int, files: Files) -> "Segment":
        """A new, empty segment with its file."""
        segment = cls(directory, base, files)
        segment.path.touch()
        return segment

    def append(self, header: Header, data: bytes | bytearray) -> None:
        """Write one stamped batch at the end; after an OSError the segment is as it was before."""
        descriptor = self._files.descriptor(self.path)
        try:
            write_all(descriptor, data, self.size)
        except OSError:
            os.ftruncate(descriptor, self.size)
            raise
        self._note(header)

    def _note(self, header: Header) -> None:
        self._index.add(header, self.size)
        if not self.size:
            self.first_timestamp = header.first_timestamp
        self.size += header.size
        self.end = header.last_offset + 1

    def read(self, offset: int, max_bytes: int, *, at_least_one: bool) -> bytes:
        """Whole batches from the one that holds `offset` (or the next one) on, at most `max_bytes`.

        With `at_least_one` the first batch comes however large it is. b"" where nothing fits or nothing is left.
        """
        found = next(self.batches(self._index.position_of(offset), offset), None)
        if found is None:
            return b""
        start, first = found
        if first.size > max_bytes:
            return self.pread(start, first.size) if at_least_one else b""
        return self.pread(start, self._cut(start, first, max_bytes) - start)

    def _cut(self, start: int, first: Header, max_bytes: int) -> int:
        """The end of the last batch to send: an indexed one where that is far enough, else the first batch's."""
        if start + max_bytes >= self.size:
            return self.size
        return max(self._index.boundary(start + max_bytes), start + first.size)

    def batches(self, position: int = 0, from_offset: int = 0) -> Iterator[tuple[int, Header]]:
        """Position and header of the batches from `position` on whose last offset is at least `from_offset`."""
        chunk, chunk_at = b"", position
        while position + HEADER_SIZE <= self.size:
            if position + HEADER_SIZE > chunk_at + len(chunk) or position < chunk_at:
                chunk, chunk_at = self.pread(position, min(_WALK_BYTES, self.size - position)), position
            header = parse(chunk, position - chunk_at)
            if header.last_offset >= from_offset:
                yield position, header
            position += header.size

    def batches_since(self, timestamp: int) -> Iterator[tuple[int, Header]]:
        """Position and header of the batches that may hold a record at or after `timestamp` (milliseconds)."""
        for position, header in self.batches(self._index.position_before(timestamp)):
            if header.max_timestamp >= timestamp:
                yield position, header

    def pread(self, position: int, size: int) -> bytes:
        """Bytes of the file."""
        return os.pread(self._files.descriptor(self.path), size, position)

    def load(self, *, may_be_torn: bool) -> Iterator[Header]:
        """Read the headers of what the file holds and yield them.

        `may_be_torn`: check length and checksum of every batch, and cut the file behind the last good one.
        """
        length = self.path.stat().st_size
        while self.size + HEADER_SIZE <= length:
            header = parse(self.pread(self.size, HEADER_SIZE))
            if self.size + header.size > length or header.length < HEADER_SIZE - 12 or header.base_offset < self.end:
                break
            if may_be_torn and not intact(self.pread(self.size, header.size)):
                break
            self._note(header)
            yield header
        if self.size < length:
            self._cut_tail(length)

    def _cut_tail(self, length: int) -> None:
        _LOG.warning(
            "%s: the last %d bytes are no whole batch (the broker was killed while writing): cut, never acknowledged",
            self.path,
            length - self.size,
        )
        os.ftruncate(self._files.descriptor(self.path), self.size)

    def replaced_by(self, scratch: Path) -> "Segment":
        """Put the file `scratch` in the place of this one and give the segment that it is; `load` it next."""
        self._files.forget(self.path)
        scratch.replace(self.path)
        return Segment(self.path.parent, self.base, self._files)

    def delete(self) -> None:
        """Remove the file."""
        self._files.forget(self.path)
        self.path.unlink(missing_ok=True)
