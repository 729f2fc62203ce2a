"""Batches that form themselves: a lone command is decided at once; what arrives meanwhile forms the next batch."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.chassis import logs, metrics
from services.chassis.errors import Rejected, Unavailable
from services.chassis.status import transient

Command = TypeVar("Command")
Answer = TypeVar("Answer")

LIMIT = 500
GATHER_SECONDS = 0.003
RETRY_SECONDS = (0.02, 0.1, 0.5)

log = logs.logger(__name__)


class Coalescer(Generic[Command, Answer]):
    """Hands commands to one decision at a time, as many as wait, at most `limit`.

    `decide` gets a batch and gives one answer (or refusal) for each, in order, having committed. While a queue stands,
    a batch is given `gather` seconds to fill: a commit costs as much for one as for many.
    """

    def __init__(
        self,
        name: str,
        decide: Callable[[Sequence[Command]], Awaitable[Sequence[Answer | Rejected]]],
        *,
        limit: int = LIMIT,
        gather: float = GATHER_SECONDS,
    ) -> None:
        self._name = name
        self._decide = decide
        self._limit = limit
        self._gather = gather
        self._queue: deque[tuple[Command, asyncio.Future[Answer]]] = deque()
        self._arrived = asyncio.Event()

    async def submit(self, command: Command) -> Answer:
        """Have a command decided; raises Rejected for a refusal. A caller who gives up before the decision is dropped."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((command, future))
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Decide for as long as the process runs; what waits when it stops is answered as unavailable."""
        try:
            while True:
                await self._arrived.wait()
                await self.run_once()
                if self._queue:
                    await asyncio.sleep(self._gather)
        finally:
            for _, future in self._queue:
                _fail(future, Unavailable("the service is stopping"))

    async def run_once(self) -> int:
        """Decide one batch of what waits; returns its size."""
        batch: list[tuple[Command, asyncio.Future[Answer]]] = []
        while self._queue and len(batch) < self._limit:
            command, future = self._queue.popleft()
            if not future.done():
                batch.append((command, future))
        metrics.QUEUE_LENGTH.labels(self._name).set(len(self._queue))
        if not self._queue:
            self._arrived.clear()
        if batch:
            metrics.BATCH_SIZE.labels(self._name).observe(len(batch))
            began = time.perf_counter()
            await self._settle(batch)
            metrics.BATCH_SECONDS.labels(self._name).observe(time.perf_counter() - began)
        return len(batch)

    async def _settle(self, batch: list[tuple[Command, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._try(batch)
        except asyncio.CancelledError:
            for _, future in batch:
                _fail(future, Unavailable("the service is stopping"))
            raise
        except Exception as error:
            await self._alone(batch, error)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                _settle(future, answer)

    async def _try(self, batch: list[tuple[Command, asyncio.Future[Answer]]]) -> Sequence[Answer | Rejected]:
        for wait in RETRY_SECONDS:
            try:
                return await self._decide([command for command, _ in batch])
            except Exception as error:
                if transient(error) is None:
                    raise
                log.warning("batch tried again", queue=self._name, size=len(batch), why=str(error).strip())
            await asyncio.sleep(wait)
        return await self._decide([command for command, _ in batch])

    async def _alone(self, batch: list[tuple[Command, asyncio.Future[Answer]]], error: Exception) -> None:
        if len(batch) == 1 or transient(error) is not None:
            for _, future in batch:
                _fail(future, error)
            return
        log.exception("a batch failed; its commands are decided one by one", queue=self._name, size=len(batch))
        for item in batch:
            await self._settle([item])


def _settle(future: "asyncio.Future[Answer]", answer: "Answer | Rejected") -> None:
    if isinstance(answer, Rejected):
        _fail(future, answer)
    elif not future.done():
        future.set_result(answer)


def _fail(future: "asyncio.Future[Answer]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
