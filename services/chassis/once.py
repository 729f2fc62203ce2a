"""Does a thing once for all who ask for it at the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


class Once(Generic[Key, Result]):
    """What is under way, by key. Who gives up waiting stops nobody else; what it raises goes to all who wait."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Task[Result]] = {}

    async def once(self, key: Key, make: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Begin a thing, or wait for it where it is under way."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(make())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def _ended(self, key: Key, done: "asyncio.Task[Result]") -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # nobody may be waiting any more
