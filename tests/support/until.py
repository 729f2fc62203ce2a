"""Wait for a condition instead of sleeping for luck."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Value = TypeVar("Value")

_POLL_SECONDS = 0.02


@overload
async def until(condition: Callable[[], Awaitable[Value | None]], *, seconds: float = 30.0) -> Value: ...


@overload
async def until(condition: Callable[[], Value | None], *, seconds: float = 30.0) -> Value: ...


async def until(condition: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """Ask `condition` (a function or a coroutine function) until it answers something true, and give that.

    AssertionError after `seconds`; the bound is there to end a broken test, not to measure anything.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer = condition()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"still not true after {seconds} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(_POLL_SECONDS)
