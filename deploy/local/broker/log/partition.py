"""One partition: an ordered list of segments, appended to at its end and read anywhere."""

import asyncio
import logging
import shutil
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

from deploy.local.broker.configs import TopicConfigs
from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.log.batch import Header, accept, stamp
from deploy.local.broker.log.files import Files
from deploy.local.broker.log.producers import Producers
from deploy.local.broker.log.records import Unreadable, read_records
from deploy.local.broker.log.segment import SUFFIX, Segment

_LOG = logging.getLogger(__name__)
_START_FILE = "start-offset"
CLEANED = ".cleaned"


class Stamp(NamedTuple):
    """A record's offset and its time in milliseconds."""

    offset: int
    timestamp: int


class Partition:
    """The batches of one partition under one directory."""

    def __init__(self, directory: Path, configs: TopicConfigs, files: Files) -> None:
        """Opens the directory, creating it if needed, and recovers what it holds."""
        self.directory = directory
        self.configs = configs
        self.producers = Producers()
        self.waiting: set[asyncio.Event] = set()
        self.cleaned_to = 0
        self.destroyed = False
        self._files = files
        directory.mkdir(parents=True, exist_ok=True)
        self.segments = self._recover()
        self._moved_start = self._read_start()

    @property
    def start(self) -> int:
        """The offset of the first record that can be read."""
        return max(self.segments[0].base, self._moved_start)

    @property
    def end(self) -> int:
        """The offset that the next record gets."""
        return self.segments[-1].end

    def append(self, data: bytes | bytearray | memoryview) -> int:
        """Store one batch and give the offset of its first record; a repeated batch gets its first offset again.

        It is in the operating system's hands on return: a killed process keeps it, a power cut may not. Raises Refused.
        """
        header = accept(data, self.configs.max_message_bytes)
        known = self.producers.stored_before(header)
        if known is not None:
            return known
        if self.configs.compact:
            _require_keys(bytes(data))
        stamped = bytearray(data)
        stamp(stamped, self.end)
        self._write(header._replace(base_offset=self.end), stamped)
        return self.end - header.last_offset_delta - 1

    def _write(self, header: Header, data: bytearray) -> None:
        try:
            self._active_for(header).append(header, data)
        except OSError as error:
            _LOG.error("%s: cannot write: %s", self.directory, error.strerror)
            raise Refused(ErrorCode.KAFKA_STORAGE_ERROR, str(error.strerror)) from None
        self.producers.note(header)
        for event in self.waiting:
            event.set()

    def _active_for(self, header: Header) -> Segment:
        """The last segment, or a new one where it is full or too old for this batch."""
        active = self.segments[-1]
        full = active.size + header.size > self.configs.segment_bytes
        old = header.max_timestamp - active.first_timestamp > self.configs.segment_ms
        if active.size and (full or old):
            self.roll()
        return self.segments[-1]

    def roll(self) -> None:
        """Begin a new, empty segment at the end."""
        self.segments.append(Segment.create(self.directory, self.end, self._files))

    def read(self, offset: int, max_bytes: int, *, at_least_one: bool) -> bytes:
        """Whole batches from `offset` on, of one segment, at most `max_bytes` (but see `Segment.read`)."""
        at = max(0, bisect_right(self.segments, offset, key=lambda segment: segment.base) - 1)
        for segment in self.segments[at:]:
            found = segment.read(offset, max_bytes, at_least_one=at_least_one)
            if found or (segment.size and segment.end > offset):
                return found
        return b""

    def first_since(self, timestamp: int) -> Stamp | None:
        """The first record whose time is `timestamp` (milliseconds) or later."""
        for segment in self.segments:
            if segment.max_timestamp < timestamp:
                continue
            for position, header in segment.batches_since(timestamp):
                found = _first_in(segment.pread(position, header.size), header, timestamp, self.start)
                if found:
                    return found
        return None

    def latest(self) -> Stamp | None:
        """The record with the highest timestamp, the first of equals."""
        newest = max((segment.max_timestamp for segment in self.segments), default=-1)
        return self.first_since(newest) if newest >= 0 else None

    def delete_before(self, offset: int) -> None:
        """Make `offset` the first one that can be read and delete the segments that end before it; kept on disk."""
        if not self.start <= offset <= self.end:
            raise Refused(ErrorCode.OFFSET_OUT_OF_RANGE, f"offset {offset} is not in {self.start}..{self.end}")
        scratch = self.directory / f"{_START_FILE}.new"
        scratch.write_text(f"{offset}\n")
        scratch.replace(self.directory / _START_FILE)
        self._moved_start = offset
        while len(self.segments) > 1 and self.segments[0].end <= offset:
            self.drop_first()

    def drop_first(self) -> None:
        """Delete the oldest segment."""
        self.segments.pop(0).delete()

    def destroy(self) -> None:
        """Delete all of it from disk."""
        self.destroyed = True
        for segment in self.segments:
            self._files.forget(segment.path)
        shutil.rmtree(self.directory, ignore_errors=True)
        for event in self.waiting:
            event.set()

    def _recover(self) -> list[Segment]:
        for leftover in self.directory.glob(f"*{CLEANED}"):
            leftover.unlink()
        segments: list[Segment] = []
        bases = sorted(int(path.stem) for path in self.directory.glob(f"*{SUFFIX}"))
        for base in bases:
            segment = Segment(self.directory, base, self._files)
            if segments and base < segments[-1].end:
                segment.delete()  # compaction had merged it into the one before and was killed before deleting it
                continue
            for header in segment.load(may_be_torn=base == bases[-1]):
                self.producers.note(header)
            segments.append(segment)
        return segments or [Segment.create(self.directory, 0, self._files)]

    def _read_start(self) -> int:
        path = self.directory / _START_FILE
        return int(path.read_text()) if path.exists() else 0


def _require_keys(data: bytes) -> None:
    try:
        missing = any(record.key is None for record in read_records(data))
    except Unreadable:
        return
    if missing:
        raise Refused(ErrorCode.INVALID_RECORD, "a compacted topic takes records with a key only")


def _first_in(data: bytes, header: Header, timestamp: int, start: int) -> Stamp | None:
    try:
        for record in read_records(data):
            if record.timestamp >= timestamp and record.offset >= start:
                return Stamp(record.offset, record.timestamp)
    except Unreadable as error:
        _LOG.info("a look-up by time answers with the batch rather than the record: %s", error)
        return Stamp(header.base_offset, header.max_timestamp)
    return None
