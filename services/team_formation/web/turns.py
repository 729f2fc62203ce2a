"""Has what is costly done in turn for each who asks: one at a time, with a rest after it, and few who wait."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

_MOST_IDLE = 1_000


class TooManyWait(Exception):
    """As many wait for a turn as may."""


@dataclass(slots=True)
class _Line:
    """Who asks under one key."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asking: int = 0
    free_at: float = 0.0


class Turns(Generic[Key]):
    """Does things of one key one at a time; each is followed by a rest as long as it took.

    So what is asked under one key, however much that is, has at most half of one connection's time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[Key, _Line] = {}

    async def take(self, key: Key, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Wait for a turn and do a thing; raises TooManyWait where so many ask already, and what the thing raises."""
        line = self._lines.setdefault(key, _Line())
        if line.asking >= self._most:
            raise TooManyWait
        line.asking += 1
        try:
            async with line.lock:
                await asyncio.sleep(max(line.free_at - time.monotonic(), 0.0))
                began = time.monotonic()
                try:
                    return await work()
                finally:
                    ended = time.monotonic()
                    line.free_at = ended + (ended - began)
        finally:
            line.asking -= 1
            self._forget()

    def _forget(self) -> None:
        """Forget keys under which nobody asks or rests, where there are many."""
        if len(self._lines) > _MOST_IDLE:
            now = time.monotonic()
            self._lines = {key: line for key, line in self._lines.items() if line.asking or line.free_at > now}
