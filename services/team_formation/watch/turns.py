"""Turns of readers: however many are to be told at once, the loop stays free for everybody else."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

Turn: TypeAlias = asyncio.Future[None]

SLICE = 50
PAUSE = 0.5
"""Of the time that a slice took, as far as it can be seen; sending goes on meanwhile."""
LONGEST_PAUSE_SECONDS = 0.02


class Turns:
    """Wakes readers in the order they were given, a slice at a time, and leaves time to others between slices."""

    def __init__(self) -> None:
        self._queue: deque[Turn] = deque()
        self._serving: asyncio.Task[None] | None = None

    def give(self, turns: Iterable[Turn]) -> None:
        """Put readers at the end of the queue."""
        self._queue.extend(turns)
        if self._queue and self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="turns")

    async def _serve(self) -> None:
        try:
            while self._queue:
                began = time.thread_time()  # not the clock's: on a busy machine they would wait for each other
                self._wake(SLICE)
                await asyncio.sleep(0)  # they send now
                await asyncio.sleep(min(PAUSE * (time.thread_time() - began), LONGEST_PAUSE_SECONDS))
        finally:
            self._serving = None

    def _wake(self, most: int) -> None:
        for _ in range(min(most, len(self._queue))):
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
