"""What workers of rows with leases have in common: what is claimed is under way, each a task, with room for each lane.

A lane is what may be slow by itself: an app, one way of it, a platform. What ends without a note stays claimed until
its lease runs out, and then any process takes it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Generic, TypeVar

from services.chassis import logs
from services.chassis.status import transient
from services.chassis.wakes import Bell, Wakes

Lane = TypeVar("Lane", bound=Hashable)

log = logs.logger(__name__)


class Claims(Generic[Lane]):
    """What a process has claimed and works on: so much at once, and of one lane no more than its part.

    `claim` takes what there is room for and begins it; it gives how much that was.
    """

    def __init__(self, what: str, claim: Callable[[], Awaitable[int]], *, most: int, per_lane: int) -> None:
        self._what = what
        self._claim = claim
        self._most = most
        self._per_lane = per_lane
        self._bell = Bell()
        self._under_way: dict[asyncio.Task[None], Lane] = {}

    @property
    def free(self) -> int:
        """How many more may be under way."""
        return self._most - len(self._under_way)

    @property
    def lanes(self) -> "Counter[Lane]":
        """How many are under way of each lane."""
        return Counter(self._under_way.values())

    @property
    def busy(self) -> list[Lane]:
        """Lanes that have their part."""
        return [lane for lane, count in self.lanes.items() if count >= self._per_lane]

    def begin(self, lane: Lane, work: Coroutine[None, None, None]) -> None:
        """Have something claimed under way."""
        task = asyncio.create_task(work, name=self._what)
        self._under_way[task] = lane
        task.add_done_callback(self._ended)

    async def run(self, wakes: Wakes, channel: str, every: float) -> None:
        """Claim for as long as the process runs: woken by a channel or what ended, else after `every` seconds."""
        with wakes.listening(channel, self._bell):
            try:
                while True:
                    if not await self._safely():
                        await self._bell.rung(every)
            finally:
                for task in self._under_way:
                    task.cancel()

    async def run_once(self) -> int:
        """Claim once, and wait until that is done; returns how much was claimed."""
        begun = await self._claim()
        while self._under_way:
            await asyncio.wait(self._under_way)
        return begun

    async def _safely(self) -> int:
        try:
            return await self._claim()
        except Exception as error:
            if transient(error) is None:
                log.exception("nothing claimed", of=self._what)
            else:
                log.warning("nothing claimed", of=self._what, why=str(error).strip())
            return 0

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._under_way[task]
        self._bell.ring()
        if not task.cancelled() and (error := task.exception()):
            log.warning("an end was not noted; its claim runs out", of=self._what, why=str(error).strip())
