"""Timers: a finder that looks for what is due and hands it to the ordinary path, again and again."""

import asyncio
from collections.abc import Awaitable, Callable

from services.chassis import logs, metrics, spans
from services.chassis.clock import Clock
from services.chassis.status import transient

log = logs.logger(__name__)


class Timer:
    """The part of a process that runs one finder; it looks again at once while it finds a full page.

    With a clock it also looks at once when a platform's clock was moved, which makes due what was not.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[], Awaitable[int]],
        *,
        every: float,
        page: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._name = name
        self._run_once = run_once
        self._every = every
        self._page = page
        self._clock = clock

    async def run(self) -> None:
        """Run for as long as the process does; `every` is in seconds. Trouble is logged, counted and tried again."""
        while True:
            moves = self._clock.moves if self._clock else 0
            found = await self.once()
            if not self._page or found < self._page:
                await self._pause(moves)

    async def _pause(self, moves: int) -> None:
        if self._clock:
            await self._clock.moved(moves, self._every)
        else:
            await asyncio.sleep(self._every)

    async def once(self) -> int:
        """Run the finder once; 0 where there was trouble."""
        try:
            with spans.looking(f"timer {self._name}", {}) as look:
                found = await self._run_once()
                look.found = found > 0
                return found
        except Exception as error:
            metrics.TIMER_FAILURES.labels(self._name).inc()
            if cause := transient(error):
                log.warning("timer failed", timer=self._name, cause=cause, why=str(error).strip())
            else:
                log.exception("timer failed", timer=self._name)
        return 0
