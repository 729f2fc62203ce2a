"""Wake-up calls: something was committed to this database, by whichever process; a process listens and rings once.

NOTIFY within a transaction takes a lock of the whole server until its commit is on disk, so that commits queue up one
behind the other. Here it comes after the commit, at most every few milliseconds, on a connection of its own that waits
for no disk; bells of the same process are rung at once. A call that is lost (a crash in between, a pooler) costs a
poll: whoever waits for a bell says how long at most.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.chassis import arrays, logs

RETRY_SECONDS = 1.0
GAP_SECONDS = 0.003
"""From a call to its NOTIFY: more calls join it, and our own relay reads meanwhile, undisturbed by its transaction."""
_LOOK_SECONDS = 1.0

Direct: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncConnection[TupleRow]]]

log = logs.logger(__name__)


class Bell:
    """What one listener waits for; it may be rung by its owner too."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        self._rung.set()

    async def rung(self, seconds: float) -> None:
        """Wait until it has been rung since the last time, at most some seconds."""
        if not self._rung.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._rung.wait()
        self._rung.clear()


class Wakes:
    """The calls of one database. It connects when there is somebody to listen or something to say."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        self._bells: dict[str, set[Bell]] = defaultdict(set)
        self._unsaid: set[str] = set()
        self._to_say = asyncio.Event()
        self._saying_pid = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @contextmanager
    def listening(self, channel: str, bell: Bell | None = None) -> Iterator[Bell]:
        """Have a bell (a new one where none is given) rung after each commit that called a channel."""
        bell = bell or Bell()
        self._bells[channel].add(bell)
        self._keep("listening", self._listen)
        try:
            yield bell
        finally:
            self._bells[channel].discard(bell)

    async def calls(self, channel: str, every: float) -> AsyncGenerator[None, None]:
        """Yield at once, then after each call of a channel, and at least `every` seconds; for ever."""
        with self.listening(channel) as bell:
            while True:
                yield
                await bell.rung(every)

    def ring(self, channel: str) -> None:
        """Call a channel; to be called after the commit."""
        self._ring_here(channel)
        self._unsaid.add(channel)
        self._to_say.set()
        self._keep("saying", self._say)

    async def stop(self) -> None:
        """End both connections."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    def _ring_here(self, channel: str) -> None:
        for bell in self._bells.get(channel, ()):
            bell.ring()

    def _keep(self, name: str, serve: Callable[[AsyncConnection[TupleRow]], Coroutine[Any, Any, None]]) -> None:
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._connected(name, serve), name=f"wakes {name}")

    async def _connected(
        self, name: str, serve: Callable[[AsyncConnection[TupleRow]], Coroutine[Any, Any, None]]
    ) -> None:
        while True:
            try:
                async with self._direct() as connection:
                    await serve(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("wake-up calls wait", part=name, why=str(error).strip(), retry_in_seconds=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, connection: AsyncConnection[TupleRow]) -> None:
        heard: set[str] = set()
        while True:
            for channel in set(self._bells) - heard:
                await connection.execute(f"LISTEN {channel}")
                self._ring_here(channel)  # what was called before this is not heard
                heard.add(channel)
            async for call in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                if call.pid != self._saying_pid:
                    self._ring_here(call.channel)

    async def _say(self, connection: AsyncConnection[TupleRow]) -> None:
        await connection.execute("SET synchronous_commit = off")
        self._saying_pid = connection.info.backend_pid
        while True:
            await self._to_say.wait()
            await asyncio.sleep(GAP_SECONDS)
            self._to_say.clear()
            channels, self._unsaid = self._unsaid, set()
            await connection.execute(
                "SELECT pg_notify(channel, '') FROM unnest(%s) AS channel", (arrays.texts(channels),)
            )
