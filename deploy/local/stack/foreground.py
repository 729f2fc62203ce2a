"""Run a stack until a signal: the first stops it in order, the second hurries."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from deploy.local.errors import LocalError
from deploy.local.stack.stack import Stack

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_until_signal(stack: Stack, on_ready: Callable[[], None], say: Callable[[str], None]) -> None:
    """Start `stack`, call `on_ready`, keep it running until a signal; LocalError if it does not start or gives up."""
    asked, hurried = _listen()
    running = asyncio.create_task(_run(stack, on_ready))
    await _first(running, asked)
    if asked.is_set():
        say("stopping; once more to hurry")
    running.cancel()
    stopping = asyncio.create_task(_stop(stack, running))
    await _first(stopping, hurried)
    if not stopping.done():
        await stack.stop(hurry=True)
    await stopping
    if asked.is_set():
        say("stopped")
    else:
        running.result()


async def _run(stack: Stack, on_ready: Callable[[], None]) -> None:
    await stack.start()
    on_ready()
    raise await stack.failure()


async def _stop(stack: Stack, running: "asyncio.Task[None]") -> None:
    """Stop; a start that is interrupted stops by itself what it had started, which is waited for first."""
    with suppress(asyncio.CancelledError, LocalError):
        await running
    await stack.stop()


def _listen() -> tuple[asyncio.Event, asyncio.Event]:
    """Two events: set by the first signal, and by the second."""
    asked, hurried = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurried if asked.is_set() else asked).set()

    for signum in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(signum, on_signal)
    return asked, hurried


async def _first(task: "asyncio.Task[Any]", event: asyncio.Event) -> None:
    """Return when `task` is done or `event` is set."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
