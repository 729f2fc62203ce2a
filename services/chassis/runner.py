"""The process runner: starts the parts of a service in order, and at SIGTERM stops them in reverse."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import uvloop

from services.chassis import logs
from services.chassis.errors import Stop
from services.chassis.settings import SettingsError

COLLECT_AT = (20_000, 20, 50)
"""New objects before the youngest are looked through; how often that before the older ones are."""

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a process.

    `start` must end before the next part starts; `run` lasts until it is cancelled; `stop` comes after that.
    """

    name: str
    start: Callable[[], Awaitable[None]] | None = None
    run: Callable[[], Coroutine[Any, Any, None]] | None = None
    stop: Callable[[], Awaitable[None]] | None = None


async def run_parts(parts: Sequence[Part]) -> None:
    """Run parts until SIGTERM or SIGINT, or until one fails: then all are stopped and the failure is raised."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    started: list[tuple[Part, asyncio.Task[None] | None]] = []
    try:
        for part in parts:
            if part.start:
                await part.start()
            started.append((part, asyncio.create_task(part.run(), name=part.name) if part.run else None))
        log.info("started", parts=[part.name for part in parts])
        await _until(stopping, {task: part.name for part, task in started if task})
    finally:
        for part, task in reversed(started):
            await _stop(part, task)
        log.info("stopped")


async def _until(stopping: asyncio.Event, names: dict[asyncio.Task[None], str]) -> None:
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiting, *names], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task, name in names.items():
        if task.done():
            task.result()
            raise RuntimeError(f"{name} ended by itself")


async def _stop(part: Part, task: asyncio.Task[None] | None) -> None:
    try:
        if task:
            task.cancel()
            [result] = await asyncio.gather(task, return_exceptions=True)
            if isinstance(result, Exception):
                log.error("part failed", part=part.name, why=str(result) or type(result).__name__)
        if part.stop:
            await part.stop()
    except Exception:
        log.exception("part did not stop cleanly", part=part.name)


def main(process: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process to its end: exit code 2 for settings that cannot work, 1 for a failure, said in one line."""
    _collect_seldom()
    try:
        uvloop.run(process())
    except SettingsError as error:
        sys.exit(_said(str(error), 2))
    except (OSError, Stop) as error:
        sys.exit(_said(str(error), 1))
    except Exception as error:
        log.exception("process failed", why=str(error))
        sys.exit(1)


def _collect_seldom() -> None:
    """Leave what was imported out of garbage collection, and look through the rest seldom.

    A full look with thousands of readers stops everything for half a second. What is dropped without a cycle is freed
    at once all the same.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)


def _said(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code
