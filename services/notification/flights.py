"""What senders have in common: attempts under way, each a task of its own, with room for each lane and in all."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.status import transient
from services.chassis.wakes import Bell, Wakes

POLL_SECONDS = 1.0
_MOVES_SECONDS = 3_600.0
RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)

Item = TypeVar("Item")
Record = TypeVar("Record")

log = logs.logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is sent at once: attempts under way in all and in one lane, and the longest time of one, in seconds."""

    total: int = 96
    per_lane: int = 32
    seconds: float = 10.0

    @property
    def refill(self) -> int:
        """To how many a lane's attempts fall before more are claimed: a claim costs as much for one as for many."""
        return self.per_lane * 3 // 4

    @property
    def lease(self) -> timedelta:
        """How long a claim holds: an attempt and its record, with room for a database that is away for a while."""
        return timedelta(seconds=2 * self.seconds + 30)


class Flights(Generic[Item]):
    """Attempts under way. A lane is what may be slow by itself: a channel, an endpoint."""

    def __init__(self, pace: Pace) -> None:
        self.claiming = asyncio.Lock()
        """Held while something is claimed and begun."""
        self.stopping = False
        self.busy: Counter[Hashable] = Counter()
        """Attempts under way by lane."""
        self._pace = pace
        self._wake = Bell()
        self._under_way: dict[asyncio.Task[None], Item] = {}

    @property
    def free(self) -> int:
        """How many more may be under way."""
        return self._pace.total - len(self._under_way)

    async def run(self, wakes: Wakes, channel: str, run_once: Callable[[], Awaitable[int]], clock: Clock) -> None:
        """Claim for as long as the process runs: woken by a channel, when there is room or a twin's clock was moved.

        Else it looks once a second.
        """
        following = asyncio.create_task(self._follow(clock))
        try:
            with wakes.listening(channel, self._wake):
                while not self.stopping:
                    if not await _safely(run_once):
                        await self._wake.rung(POLL_SECONDS)
        finally:
            following.cancel()

    async def _follow(self, clock: Clock) -> None:
        """Ring when a twin's clock was moved: what was not due may be."""
        while True:
            moves = clock.moves
            await clock.moved(moves, _MOVES_SECONDS)
            if clock.moves != moves:
                self._wake.ring()

    def begin(
        self, item: Item, lane: Hashable, attempt: Coroutine[None, None, None], ended: Callable[[], None]
    ) -> None:
        """Have an attempt under way; `ended` is called when it is not any more."""
        self.busy[lane] += 1
        task = asyncio.create_task(attempt)
        self._under_way[task] = item
        task.add_done_callback(lambda task: self._ended(task, lane, ended))

    def _ended(self, task: "asyncio.Task[None]", lane: Hashable, ended: Callable[[], None]) -> None:
        del self._under_way[task]
        self.busy[lane] -= 1
        if not self.busy[lane]:
            del self.busy[lane]
        ended()
        if self.busy[lane] <= self._pace.refill and len(self._under_way) <= self._pace.total * 3 // 4:
            self._wake.ring()
        if not task.cancelled() and task.exception():
            log.error("an attempt was not recorded; its claim runs out", exc_info=task.exception())

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> list[Item]:
        """Begin nothing more and let what is under way end; gives what did not, which is cancelled."""
        self.stopping = True
        self._wake.ring()
        async with self.claiming:  # what is being claimed now is under way after it
            left = dict(self._under_way)
        if left:
            await asyncio.wait(left, timeout=self._pace.seconds + RETRY_SECONDS[-1])
        given_up = [item for task, item in left.items() if not task.done()]
        for task in left:
            task.cancel()
        return given_up


async def recorded(record: Callable[[Record], Awaitable[None]], made: Record) -> None:
    """Record an attempt, again and again while the database is away: every record lost is a message sent twice."""
    waits = iter(RETRY_SECONDS)
    while True:
        try:
            await record(made)
        except Exception as error:
            if transient(error) is None:
                raise
            await asyncio.sleep(next(waits, RETRY_SECONDS[-1]))
        else:
            return


async def _safely(run_once: Callable[[], Awaitable[int]]) -> int:
    try:
        return await run_once()
    except Exception as error:  # noqa: BLE001 - logged and tried again
        log.warning("nothing claimed", why=str(error).strip() or type(error).__name__)
        await asyncio.sleep(POLL_SECONDS)
        return 0
