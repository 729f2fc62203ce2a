"""What was found a moment ago, so that whoever looks again and again costs the database no more than one look."""

import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from services.chassis.once import Once

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Briefly(Generic[Key, Found]):
    """Keeps what was found for some seconds, of at most so many keys; all who ask at once wait for one search."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: dict[Key, tuple[float, Found]] = {}
        self._searches: Once[Key, Found] = Once()

    async def of(self, key: Key, search: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """Give what was found under a key, or search for it; what that raises is not kept."""
        kept = self._kept.get(key)
        if kept and time.monotonic() - kept[0] < self._seconds:
            return kept[1]
        return await self._searches.once(key, lambda: self._found(key, search))

    async def _found(self, key: Key, search: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        at = time.monotonic()
        found = await search()
        self._kept.pop(key, None)
        if len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]  # the oldest: each comes to the end when it is found
        self._kept[key] = at, found
        return found
