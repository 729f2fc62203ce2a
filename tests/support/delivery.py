"""The chassis' own relay and consumers between a database and a broker, as the processes of a service run them."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.chassis.consumer import Consumer
from services.chassis.database import Database
from services.chassis.inbox import Inbox
from services.chassis.publisher import Publisher
from services.chassis.relay import Relay
from tests.support.effects import Effects
from tests.support.outbox import TOPIC, told
from tests.support.until import until

SESSION_MS = 6_000


class Delivery:
    """Events of keys that begin with `name`, committed to `store`, relayed, and applied by the group `name`."""

    def __init__(self, store: Database, bootstrap: str, name: str) -> None:
        self.store = store
        self.bootstrap = bootstrap
        self.name = name
        self.effects = Effects(store)
        self.committed: list[tuple[str, int]] = []

    async def tell(self, count: int, *, keys: int = 20, each: int = 10) -> None:
        """Commit the next `count` events, `each` in a transaction, in turn on so many keys."""
        for first in range(len(self.committed), len(self.committed) + count, each):
            facts = [(f"{self.name}-{n % keys}", n // keys + 1) for n in range(first, first + each)]
            async with self.store.work() as work:
                for key, sequence in facts:
                    work.tell(told(key, sequence))
            self.committed += facts

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[None]:
        """A relay that runs."""
        publisher = Publisher(self.bootstrap, self.name)
        async with running(Relay(self.store, publisher).run()):
            yield
        await publisher.stop()

    @asynccontextmanager
    async def consumer(self, store: Database | None = None) -> AsyncIterator[Consumer]:
        """A consumer that runs; `store` is where its effects go, if not where the events come from."""
        inbox = Inbox(store or self.store, {TOPIC: self.effects.handle})
        consumer = Consumer(self.bootstrap, self.name, [TOPIC], inbox, session_ms=SESSION_MS)
        async with running(consumer.run()):
            yield consumer

    async def seen(self) -> list[tuple[str, int]]:
        """What took effect of these events, counted in SQL."""
        return await self.effects.seen(f"{self.name}-")

    async def all_seen(self) -> None:
        """Wait until as many effects as committed events are there."""

        async def enough() -> bool:
            return len(await self.seen()) >= len(self.committed)

        await until(enough, seconds=90)

    async def check(self) -> None:
        """Each committed event took effect once, in the order of its key."""
        assert in_order(await self.seen()) == in_order(self.committed)


def in_order(facts: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """The sequences of each key in the order they stand."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for key, sequence in facts:
        by_key[key].append(sequence)
    return by_key


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that runs in a task of its own and is cancelled at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
