"""Live pages: events for as long as a page is open, and answers that wait until there is something new.

Each reader is given the latest state when its turn comes, never a queue of them, and bytes that all readers share.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

from starlette.types import Receive, Scope, Send

from services.chassis.errors import Rejected
from services.team_formation.web.answers import NO_STORE, common
from services.team_formation.web.live import next_or_none

POLL_SECONDS = 25.0
HEARTBEAT_SECONDS = 15.0
"""A line without a meaning so often keeps proxies from closing a quiet stream."""

Body = TypeVar("Body")

Write: TypeAlias = Callable[[Body], Awaitable[bytes | None]]
"""Writes a state as an event; None where there is nothing to be shown any more."""

_HEADERS = [
    *common(NO_STORE),
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


class EventStream(Generic[Body]):
    """Sends events to one reader until there is no more to come, the reader is gone, or this process stops."""

    def __init__(self, states: AsyncGenerator[Body, None], write: Write[Body], begin: bytes) -> None:
        self._states = states
        self._write = write
        self._begin = begin

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": self._begin, "more_body": True})
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await self._send_all(send, gone)
        finally:
            gone.cancel()
        if not gone.done() or gone.cancelled():
            with suppress(OSError):
                await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send, gone: "asyncio.Future[None]") -> None:
        following: asyncio.Future[Body] | None = None
        try:
            while True:
                following = following or asyncio.ensure_future(anext(self._states))
                await asyncio.wait((following, gone), timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                event: bytes | None = b":\n\n"
                if following.done():
                    event = await self._write(following.result())
                    following = None
                await send({"type": "http.response.body", "body": event or b"", "more_body": True})
                if event is None:
                    return
        except StopAsyncIteration:
            await send({"type": "http.response.body", "body": b"event: end\ndata:\n\n", "more_body": True})
        except Rejected:
            return  # this process stops: the reader comes back to another one
        finally:
            if following:
                following.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                    await following
            await self._states.aclose()


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def wait_for_news(states: AsyncGenerator[Body, None], receive: Receive) -> Body | None:
    """Wait for a state that is newer; None where none comes in time, or the reader is gone, or this process stops."""
    waiting = asyncio.ensure_future(next_or_none(states, POLL_SECONDS))
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    except Rejected:
        return None
    finally:
        gone.cancel()
        waiting.cancel()
        with suppress(asyncio.CancelledError, Rejected):
            await waiting
