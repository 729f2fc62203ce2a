"""Turns of readers: however many are to be told at once, the loop stays free for everybody else."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

Turn: TypeAlias = asyncio.Future[None]

SLICE = 50
PAUSE = 0.5
"""Of the time that a slice took."""
LONGEST_PAUSE_SECONDS = 0.02
LONGEST_SEND_SECONDS = 0.05
"""Who takes longer to be sent to holds up no others."""


class Turns:
    """Wakes readers in the order they were given, a slice at a time, and leaves time to others between slices.

    The next slice waits until this one was sent: what is under way stands before every other call in gRPC's queue.
    """

    def __init__(self) -> None:
        self._queue: deque[Turn] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._under_way = 0
        self._sent = asyncio.Event()

    def give(self, turns: Iterable[Turn]) -> None:
        """Put readers at the end of the queue; each says `over` when it was sent to."""
        self._queue.extend(turns)
        if self._queue and self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="turns")

    def over(self) -> None:
        """End the turn of a reader who was woken."""
        self._under_way -= 1
        if self._under_way <= 0:
            self._sent.set()

    async def _serve(self) -> None:
        try:
            while self._queue:
                began = time.thread_time()  # not the clock's: on a busy machine they would wait for each other
                self._wake(SLICE)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_SEND_SECONDS):
                        await self._sent.wait()
                await asyncio.sleep(min(PAUSE * (time.thread_time() - began), LONGEST_PAUSE_SECONDS))
        finally:
            self._serving = None

    def _wake(self, most: int) -> None:
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        waiting = [turn for turn in taken if not turn.done()]
        self._under_way = len(waiting)
        self._sent.clear() if waiting else self._sent.set()
        for turn in waiting:
            turn.set_result(None)
