"""A bounded set of open segment files, so that thousands of partitions do not need thousands of file descriptors."""

import os
from collections import OrderedDict
from pathlib import Path


class Files:
    """Opens files for reading and writing and closes the ones unused for longest."""

    def __init__(self, capacity: int = 256) -> None:
        """At most `capacity` files stay open."""
        self._capacity = capacity
        self._open: OrderedDict[Path, int] = OrderedDict()

    def descriptor(self, path: Path) -> int:
        """The descriptor of `path`, which exists; valid until the next call."""
        found = self._open.get(path)
        if found is not None:
            self._open.move_to_end(path)
            return found
        while len(self._open) >= self._capacity:
            os.close(self._open.popitem(last=False)[1])
        found = self._open[path] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return found

    def forget(self, path: Path) -> None:
        """Close `path`: it is about to be deleted or replaced."""
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        """Close all."""
        while self._open:
            os.close(self._open.popitem()[1])


def write_all(descriptor: int, data: bytes | bytearray, position: int) -> None:
    """Write all of `data` at `position`; an OSError may leave a part of it there."""
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, position)
        left, position = left[written:], position + written
