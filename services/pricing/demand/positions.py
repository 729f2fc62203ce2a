"""Where each partition of the tallies goes on: after the last tally that the table contains.

Faust 0.15.3 skips and acknowledges events around a rebalance, and commits past them (streams.py: what belongs to an
older generation is acknowledged as if seen). So its committed offsets are not believed. The table carries the offset of
each tally it contains; reading begins after the highest, and no tally is taken before the one in front of it.
"""

from collections.abc import Iterable

MOST_TRIES = 64
"""After so many looks what is missing is taken to be gone from the log; the tally after it carries the totals too."""


class Positions:
    """The next offset of each partition, and which partitions have to be sought."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._tries: dict[int, int] = {}
        self._fresh: set[int] = set()
        self.passed_over = 0
        """How many offsets were not found in the log."""

    def forget(self) -> None:
        """Take nothing until it is known again where to go on."""
        self._next, self._tries, self._fresh = {}, {}, set()

    def begin(self, partitions: Iterable[int], contained: Iterable[tuple[int, int]]) -> None:
        """Go on after the highest contained offset of each partition, given as (partition, offset), or at the start."""
        self.forget()
        self._next = dict.fromkeys(partitions, 0)
        for partition, offset in contained:
            if partition in self._next:
                self._next[partition] = max(self._next[partition], offset + 1)
        self._tries = dict.fromkeys(self._next, 0)
        self._fresh = set(self._next)

    def raise_to(self, partition: int, offset: int) -> None:
        """Begin no earlier than the log of a partition does."""
        self._next[partition] = max(self._next[partition], offset)

    def restart(self, partition: int) -> None:
        """Begin a partition at its start: its log ends before what the table contains, so it is another log."""
        self._next[partition] = 0

    def __getitem__(self, partition: int) -> int:
        """The next offset of a partition."""
        return self._next[partition]

    def admit(self, partition: int, offset: int) -> bool:
        """Tell whether this is the next tally of its partition, and count it.

        One from behind was taken before; one that is ahead has what is missing sought.
        """
        wanted = self._next.get(partition)
        if wanted is None or offset < wanted:
            return False
        if offset > wanted and self._tries.get(partition, 0) < MOST_TRIES:
            self._tries.setdefault(partition, 0)
            return False
        self.passed_over += offset - wanted
        self._next[partition] = offset + 1
        self._tries.pop(partition, None)
        self._fresh.discard(partition)
        return True

    def to_seek(self) -> list[int]:
        """List the partitions to be sought at this look; a fresh one once, unless something ahead comes after that.

        The others are sought at the first look, the second, the fourth and so on: what was read before has to be worked
        off first, and each seek adds to it.
        """
        found = []
        for partition, tries in list(self._tries.items()):
            if tries < MOST_TRIES and tries & (tries + 1) == 0:
                found.append(partition)
            self._tries[partition] = tries + 1
            if partition in self._fresh:
                del self._tries[partition]
        self._fresh.clear()
        return found
