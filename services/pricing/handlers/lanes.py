"""Works off batches of records: those of one partition in their order, several partitions at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from services.chassis.messages import Record

AT_A_TIME = 6
"""Batches under way: fewer than a database has connections, as who waits for one gives up after a while."""

Lane: TypeAlias = tuple[str, int]
"""Topic and partition: records of two of them have no key in common."""


class Lanes:
    """Applies batches; while PostgreSQL writes one of some partition, those of others are decided."""

    def __init__(self, apply: Callable[[list[Record]], Awaitable[None]]) -> None:
        self._apply = apply
        self._last: dict[Lane, asyncio.Task[None]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def put(self, records: Sequence[Record]) -> None:
        """Have records applied, now or when there is room; raises what went wrong with any before."""
        lanes: dict[Lane, list[Record]] = {}
        for record in records:
            lanes.setdefault((record.topic, record.partition), []).append(record)
        for lane, some in lanes.items():
            while len(self._under_way) >= AT_A_TIME:
                await self._one_ended()
            self._last[lane] = asyncio.create_task(self._apply_after(self._last.get(lane), some))
            self._under_way.add(self._last[lane])

    async def finish(self) -> None:
        """Wait until everything is applied; raises what went wrong."""
        while self._under_way:
            await self._one_ended()

    async def stop(self) -> None:
        """Give up what is under way, if anything is."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _one_ended(self) -> None:
        done, self._under_way = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _apply_after(self, before: asyncio.Task[None] | None, records: list[Record]) -> None:
        if before:
            await asyncio.shield(before)  # where that one failed, this one is not applied
        await self._apply(records)
