"""Batches that form themselves: a lone command is decided at once; what arrives meanwhile forms the next batch."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from services.chassis import logs, metrics, trace
from services.chassis.errors import Raced, Rejected, Unavailable
from services.chassis.status import transient

Command = TypeVar("Command")
Answer = TypeVar("Answer")

Decide: TypeAlias = Callable[[Sequence[Command]], Awaitable[Sequence[Answer | Rejected]]]

LIMIT = 500
GATHER_SECONDS = 0.003
RACES = 5
RETRY_SECONDS = (0.02, 0.1, 0.5)
RETRY_FOR_SECONDS = 3.0
"""A try that took longer than this has waited enough for what is away; it is not repeated."""

log = logs.logger(__name__)


@dataclass(slots=True)
class _Waiting(Generic[Command, Answer]):
    """A command, the trace it came with, and its caller's answer."""

    command: Command
    traceparent: str
    answer: asyncio.Future[Answer]

    def settle(self, answer: Answer | Rejected) -> None:
        if isinstance(answer, Rejected):
            self.fail(answer)
        elif not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Coalescer(Generic[Command, Answer]):
    """Hands commands to one decision at a time, as many as wait, at most `limit`.

    `decide` gets a batch and gives one answer (or refusal) for each, in order, having committed. While a queue stands,
    a batch is given `gather` seconds to fill: a commit costs as much for one as for many. A batch runs under the trace
    of its first command.
    """

    def __init__(
        self,
        name: str,
        decide: Decide[Command, Answer],
        *,
        limit: int = LIMIT,
        gather: float = GATHER_SECONDS,
    ) -> None:
        self._name = name
        self._decide = decide
        self._limit = limit
        self._gather = gather
        self._queue: deque[_Waiting[Command, Answer]] = deque()
        self._arrived = asyncio.Event()
        self._stopped = False

    async def submit(self, command: Command) -> Answer:
        """Have a command decided.

        Raises Rejected for a refusal, Unavailable when the process stops, and what the decision raised. A caller who
        gives up before the decision is dropped.
        """
        if self._stopped:
            raise _stopping()
        waiting = _Waiting[Command, Answer](command, trace.current(), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.answer

    async def run(self) -> None:
        """Decide for as long as the process runs; what waits when it stops is answered as unavailable."""
        try:
            while True:
                await self._arrived.wait()
                await self.run_once()
                if self._queue:
                    await asyncio.sleep(self._gather)
        finally:
            self._stopped = True
            for waiting in self._queue:
                waiting.fail(_stopping())

    async def run_once(self) -> int:
        """Decide one batch of what waits; returns its size."""
        batch = self._take()
        if batch:
            metrics.BATCH_SIZE.labels(self._name).observe(len(batch))
            began = time.perf_counter()
            await self._settle(batch)
            metrics.BATCH_SECONDS.labels(self._name).observe(time.perf_counter() - began)
        return len(batch)

    def _take(self) -> list[_Waiting[Command, Answer]]:
        batch: list[_Waiting[Command, Answer]] = []
        while self._queue and len(batch) < self._limit:
            waiting = self._queue.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
        if not self._queue:
            self._arrived.clear()
        metrics.QUEUE_LENGTH.labels(self._name).set(len(self._queue))
        return batch

    async def _settle(self, batch: list[_Waiting[Command, Answer]]) -> None:
        trace.enter(batch[0].traceparent)
        try:
            answers = await self._try([waiting.command for waiting in batch])
        except asyncio.CancelledError:
            _fail(batch, _stopping())
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the callers
            await self._part(batch, error)
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                waiting.settle(answer)

    async def _try(self, commands: list[Command]) -> Sequence[Answer | Rejected]:
        began = time.monotonic()
        for wait in RETRY_SECONDS:
            try:
                return await self._once(commands)
            except Exception as error:
                if transient(error) is None or time.monotonic() - began > RETRY_FOR_SECONDS:
                    raise
                log.warning("batch tried again", queue=self._name, size=len(commands), why=str(error).strip())
            await asyncio.sleep(wait)
        return await self._once(commands)

    async def _once(self, commands: list[Command]) -> Sequence[Answer | Rejected]:
        answers = await self._raced(commands, RACES)
        if len(answers) != len(commands):
            raise RuntimeError(f"{len(commands)} commands got {len(answers)} answers")
        return answers

    async def _raced(self, commands: list[Command], races: int) -> Sequence[Answer | Rejected]:
        """Decide, and again at once while another process decides the same requests: then their answers are there."""
        try:
            return await self._decide(commands)
        except Raced:
            if not races:
                raise
        return await self._raced(commands, races - 1)

    async def _part(self, batch: list[_Waiting[Command, Answer]], error: Exception) -> None:
        """Find the command that makes a batch fail by halving it, so that its neighbours are decided."""
        if len(batch) == 1 or transient(error) is not None:
            _fail(batch, error)
            return
        log.warning("a batch failed; its halves are decided apart", queue=self._name, size=len(batch), why=str(error))
        middle = len(batch) // 2
        await self._settle_both(batch[:middle], batch[middle:])

    async def _settle_both(
        self, first: list[_Waiting[Command, Answer]], second: list[_Waiting[Command, Answer]]
    ) -> None:
        try:
            await self._settle(first)
        except asyncio.CancelledError:
            _fail(second, _stopping())
            raise
        await self._settle(second)


def _fail(batch: list[_Waiting[Command, Answer]], error: Exception) -> None:
    for waiting in batch:
        waiting.fail(error)


def _stopping() -> Unavailable:
    return Unavailable("the service is stopping")
