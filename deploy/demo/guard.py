"""Runs the demo's work beside its stack: a signal or a failure of the stack ends it, and the stack stops in order."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from deploy.local.stack import Stack

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal asked to end."""


class Guard:
    """Watches for signals. The first ends the work, a second one hurries the stopping."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._say = say
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()
        for signum in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(signum, self._on_signal)

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work; Interrupted if a signal ends it, LocalError if the stack gives up. The stack goes on."""
        working = asyncio.create_task(work)
        failing = asyncio.create_task(self._stack.failure())
        asked = asyncio.create_task(self._asked.wait())
        await asyncio.wait({working, failing, asked}, return_when=asyncio.FIRST_COMPLETED)
        for other in (failing, asked):
            other.cancel()
        if working.done():
            working.result()
            return
        working.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await working
        if failing.done() and not failing.cancelled():
            raise failing.result()
        raise Interrupted

    async def stop(self) -> None:
        """Stop the stack in order; one more signal stops it at once."""
        stopping = asyncio.create_task(self._stack.stop())
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait({stopping, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not stopping.done():
            await self._stack.stop(hurry=True)
        await stopping

    def _on_signal(self) -> None:
        if self._asked.is_set():
            self._hurried.set()
            return
        self._asked.set()
        self._say("stopping; once more to hurry")
