"""Keep one part alive: start it, start it again with back-off when it dies, give up when it dies too often."""

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import Callable

from deploy.local.child import Child
from deploy.local.errors import LocalError
from deploy.local.stack.part import Part, how_ended

_WINDOW_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class Keeper:
    """Keeps `part` alive. `say` is told what a user should know, `changed` is called when pid or health change.

    `failed` is called once, with the reason, when the part died `max_deaths` times within 30 seconds.
    """

    def __init__(
        self,
        part: Part,
        *,
        say: Callable[[str], None],
        changed: Callable[[], None],
        failed: Callable[[LocalError], None],
        max_deaths: int,
    ) -> None:
        self.part = part
        self.child: Child | None = None
        self.ready = asyncio.Event()
        self.restarts = 0
        self._say = say
        self._changed = changed
        self._failed = failed
        self._deaths: deque[float] = deque(maxlen=max_deaths)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the part for the first time and watch over it; LocalError if it does not start."""
        self._up(await self.part.start())
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    async def stop(self, *, hurry: bool = False) -> None:
        """Stop watching, then stop the part; nothing happens if it does not run."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self.child is not None:
            await self.part.stop(self.child, hurry=hurry)
        self._down()

    def kill(self) -> None:
        """End the part by kill -9, as a fault would; it comes back by itself, and the death is not counted."""
        if self.child is None:
            return
        self.ready.clear()
        self._deaths.clear()
        self.child.send(signal.SIGKILL)

    async def _keep(self) -> None:
        while self.child is not None:
            code = await self.child.wait()
            self._down()
            if not await self._revive(how_ended(code)):
                return

    async def _revive(self, how: str) -> bool:
        """Start the part until it is well again; False if it died too often."""
        while True:
            if self._died_too_often():
                self._failed(self._obituary(how))
                return False
            self._say(f"{self.part.name} {how}; starting it again")
            await asyncio.sleep(min(_FIRST_PAUSE_SECONDS * 2 ** len(self._deaths), _LONGEST_PAUSE_SECONDS))
            try:
                child = await self.part.start()
            except (LocalError, OSError) as error:
                how = f"did not start again ({str(error).splitlines()[0]})"
                continue
            self.restarts += 1
            self._up(child)
            self._say(f"{self.part.name} is back as process {child.pid}")
            return True

    def _died_too_often(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._deaths.append(now)
        return len(self._deaths) == self._deaths.maxlen and now - self._deaths[0] < _WINDOW_SECONDS

    def _obituary(self, how: str) -> LocalError:
        tail = "".join(f"\n  {line}" for line in (self.child.log_tail() if self.child else []))
        return LocalError(
            f"{self.part.name} {how}; it died {len(self._deaths)} times within {_WINDOW_SECONDS:.0f} seconds."
            f" The end of its log:{tail}",
            f"Mend the cause, then start again; groupbuy logs {self.part.name} shows the whole log.",
        )

    def _up(self, child: Child) -> None:
        self.child = child
        self.ready.set()
        self._changed()

    def _down(self) -> None:
        self.ready.clear()
        self._changed()
