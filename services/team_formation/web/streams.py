"""Live pages: events for as long as a page is open, and answers that wait until there is something new.

Each reader is given the latest state when its turn comes, never a queue of them, and bytes that all readers share.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

from starlette.types import Receive, Scope, Send

from services.chassis.errors import Rejected
from services.team_formation.web.answers import NO_STORE, common

POLL_SECONDS = 25.0
CHECK_SECONDS = 3.0
"""So often it is looked at what changes without the team."""
BEATS = 5
"""After so many looks without news, a line without a meaning keeps proxies from closing a quiet stream."""

Body = TypeVar("Body")

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
Write: TypeAlias = Callable[[Body], Awaitable[bytes | None]]
"""Writes a state as an event; None where there is nothing to be shown any more."""
Check = Callable[[], Awaitable[bytes | None]]
"""Writes what has changed meanwhile, empty where nothing has; None where there is nothing to be shown any more."""

_HEADERS = [
    *common(NO_STORE),
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


def time_event(milliseconds: int) -> bytes:
    """Write the event that a stream begins with: the time of the platform, which countdowns go by."""
    return f"event: time\ndata: {milliseconds}\n\n".encode()


class EventStream(Generic[Body]):
    """Sends events to one reader until there is no more to come, the reader is gone, or this process stops.

    `check` is asked every few seconds for what changes by itself: an invite that is taken back or used up.
    """

    def __init__(
        self, states: AsyncGenerator[Body, None], write: Write[Body], begin: bytes, check: Check, headers: Headers = ()
    ) -> None:
        self._states = states
        self._write = write
        self._begin = begin
        self._check = check
        self._headers = [*_HEADERS, *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.body", "body": self._begin, "more_body": True})
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await self._send_all(send, gone)
        finally:
            gone.cancel()
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send, gone: "asyncio.Future[None]") -> None:
        following: asyncio.Future[Body] | None = None
        quiet = 0
        try:
            while True:
                following = following or asyncio.ensure_future(anext(self._states))
                await asyncio.wait((following, gone), timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return
                if following.done():
                    event, following = await self._write(following.result()), None
                else:
                    event = await self._check()
                if event is None:
                    return
                quiet = 0 if event else quiet + 1
                if quiet == BEATS:
                    event, quiet = b":\n\n", 0
                if event:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
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


async def wait_for_news(
    states: AsyncGenerator[Body, None], receive: Receive, has_changed: Callable[[], Awaitable[bool]]
) -> None:
    """Wait for a state that is newer, or whatever else changes; no longer than a poll lasts, and no state may come.

    A team that has ended has no news: the wait is as long all the same, so that nobody asks again and again.
    """
    waiting = asyncio.ensure_future(_news(states, has_changed))
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((waiting, gone), timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        waiting.cancel()
        with suppress(asyncio.CancelledError, Rejected):
            await waiting


async def _news(states: AsyncGenerator[Body, None], has_changed: Callable[[], Awaitable[bool]]) -> None:
    try:
        following = asyncio.ensure_future(anext(states, None))
        try:
            while not following.done():
                await asyncio.wait((following,), timeout=CHECK_SECONDS)
                if await has_changed():
                    return
            if following.result() is None:  # it has ended
                await asyncio.Event().wait()
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, Rejected):
                await following
    finally:
        await states.aclose()
