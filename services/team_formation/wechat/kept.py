"""What was looked up, believed for a while: all who ask at once wait for one look."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from services.chassis.once import Once

_MOST = 10_000

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Values by key; `look` finds one, `seconds` tells for how long it is believed."""

    def __init__(self, look: Callable[[Key], Coroutine[Any, Any, Value]], seconds: Callable[[Value], float]) -> None:
        self._look = look
        self._seconds = seconds
        self._known: dict[Key, tuple[Value, float]] = {}
        self._looks: Once[Key, Value] = Once()

    async def of(self, key: Key) -> Value:
        """Give the value of a key, looked up where none is believed any more; what the look raises is raised."""
        known = self._known.get(key)
        if known and time.monotonic() < known[1]:
            return known[0]
        return await self._looks.once(key, lambda: self._found(key))

    def last(self, key: Key) -> Value | None:
        """Give the value that was last found, however old."""
        known = self._known.get(key)
        return known[0] if known else None

    async def _found(self, key: Key) -> Value:
        value = await self._look(key)
        self._known.pop(key, None)
        if (seconds := self._seconds(value)) > 0:
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = value, time.monotonic() + seconds
        return value
