"""Who waits, and whose turn it is: a queue for each party, so that who brings much waits behind itself alone."""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Items that wait, each party's in the order they came; parties take turns.

    `size` says how much room an item takes. While one party alone waits, this is one queue, and costs as much.
    """

    def __init__(self, size: Callable[[Item], int]) -> None:
        self._size = size
        self._queues: dict[Hashable, deque[Item]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        for queue in self._queues.values():
            yield from queue

    def add(self, party: Hashable, item: Item) -> None:
        """Have an item wait behind those of its party."""
        queue = self._queues.get(party)
        if queue is None:
            queue = self._queues[party] = deque()
        queue.append(item)
        self._count += 1

    def oldest(self, party: Hashable) -> Item | None:
        """Give the item of a party that waits longest."""
        queue = self._queues.get(party)
        return queue[0] if queue else None

    def take(self, room: int, most: int, had: Counter[Hashable]) -> list[Item]:
        """Take whole items, as much as there is room for, and of a party what brings it to `most`.

        `had` is what each party has had already, and is counted on. The room is dealt in rounds: in each, every party
        gets an equal part of what is left, at least one item. Whose turn did not come is first the next time.
        """
        taken: list[Item] = []
        while room > 0 and self._queues:
            share = max(1, room // len(self._queues))
            left = room
            for party in list(self._queues):
                room -= self._deal(party, min(share, most - had[party]), room, taken, had)
            if room == left:
                break
        return taken

    def _deal(self, party: Hashable, share: int, room: int, taken: list[Item], had: Counter[Hashable]) -> int:
        """Give a party its share, whole items: the last one may exceed it, but not the room. Gives what that takes."""
        queue, used, before = self._queues[party], 0, len(taken)
        while queue and used < share and used + (size := self._size(queue[0])) <= room:
            taken.append(queue.popleft())
            used += size
        if count := len(taken) - before:
            had[party] += used
            self._count -= count
            del self._queues[party]
            if queue:
                self._queues[party] = queue
        return used
