"""A sparse index of one segment: which batch stands where, an entry for every few kilobytes."""

from array import array
from bisect import bisect_left, bisect_right

from deploy.local.broker.log.batch import Header

EVERY_BYTES = 4096


class Index:
    """Base offsets, file positions and the highest timestamp up to and with each indexed batch, in file order."""

    def __init__(self) -> None:
        """An index of an empty segment."""
        self._offsets = array("q")
        self._positions = array("q")
        self._timestamps = array("q")
        self.max_timestamp = -1

    def add(self, header: Header, position: int) -> None:
        """Note a batch at the end of the file; only one in every EVERY_BYTES gets an entry."""
        if not self._positions or position - self._positions[-1] >= EVERY_BYTES:
            self._offsets.append(header.base_offset)
            self._positions.append(position)
            # What stands before the entry: a look-up by time starts at the last entry that is surely too early.
            self._timestamps.append(self.max_timestamp)
        self.max_timestamp = max(self.max_timestamp, header.max_timestamp)

    def position_of(self, offset: int) -> int:
        """Where to start reading forward to meet `offset`."""
        entry = bisect_right(self._offsets, offset) - 1
        return self._positions[entry] if entry >= 0 else 0

    def position_before(self, timestamp: int) -> int:
        """Where to start reading forward to meet the first record at or after `timestamp` (milliseconds)."""
        entry = bisect_left(self._timestamps, timestamp) - 1
        return self._positions[entry] if entry >= 0 else 0

    def boundary(self, position: int) -> int:
        """The last indexed start of a batch at or before `position`."""
        entry = bisect_right(self._positions, position) - 1
        return self._positions[entry] if entry >= 0 else 0
