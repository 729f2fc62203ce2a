"""Removes what a service has of test twins that were given up, in small batches, each a transaction of its own."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from services.chassis import twin_rows
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.twin_rows import Table

PAGE = 1_000
EVERY_SECONDS = 1.0
LATE = timedelta(seconds=60)
"""So long calls and batches that had begun before may still write; what finds the twin's rows is removed after that."""
KNOWN = timedelta(days=16)
"""So long events of a twin may still come: as long as topics keep them, and two days."""
_FINDS_ROWS = "campaigns"
"""By them the twin's other rows are found where a service has them by platform: they go last."""
REST = timedelta(hours=1)
"""After that nothing was found, how long it takes at least until the same process looks again.

As long again as the twin has been given up: of who begins anew for each test run there are thousands.
"""

First: TypeAlias = Callable[[Connection, UUID, Sequence[UUID], int], Awaitable[int]]
"""Removes rows that only others lead to: of a twin and its campaigns, at most so many; how many."""


async def _nothing(_connection: Connection, _twin: UUID, _campaigns: Sequence[UUID], _limit: int) -> int:
    return 0


class TwinRemoval:
    """Run by a timer. What is found later, because it was under way, goes when it is looked at again."""

    def __init__(self, database: Database, clock: Clock, first: First = _nothing) -> None:
        self._database = database
        self._clock = clock
        self._first = first
        self._tables: list[Table] = []
        self._clean_until: dict[UUID, datetime] = {}

    async def run_once(self) -> int:
        """Remove at most a page of each table for each twin; returns the most that was removed of one.

        Where it fails for one, that is raised after all others had their turn.
        """
        now = self._clock.now()
        async with self._database.read() as connection:
            retired = await twin_rows.find_retired(connection, now - KNOWN)
            if retired and not self._tables:
                self._tables = await twin_rows.find_tables(connection)
        self._clean_until = {twin: self._clean_until.get(twin, now) for twin, _ in retired}
        due = [item for item in retired if self._clean_until[item[0]] <= now]
        most, failures = 0, list[Exception]()
        for twin, retired_at in due:
            try:
                most = max(most, await self._remove(twin, retired_at, now))
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)
        if failures:
            raise failures[0]
        return most

    async def _remove(self, twin: UUID, retired_at: datetime, now: datetime) -> int:
        campaigns = await self._campaigns(twin)
        async with self._database.work() as work:
            removed = await self._first(work.connection, twin, campaigns, PAGE)
        if removed:
            return removed
        is_late = now >= retired_at + LATE
        tables = [table for table in self._tables if is_late or table.name != _FINDS_ROWS]
        most = max([await self._of(table, twin, campaigns) for table in tables])
        if not most and is_late:
            async with self._database.work() as work:
                most = await twin_rows.remove_heard(work.connection, twin, PAGE)
            if not most:
                self._clean_until[twin] = now + max(REST, now - retired_at)
        return most

    async def _campaigns(self, twin: UUID) -> list[UUID]:
        async with self._database.read() as connection:
            found = await twin_rows.find_heard_campaigns(connection, twin)
            if any(table.name == _FINDS_ROWS and table.by_platform for table in self._tables):
                found |= await twin_rows.find_own_campaigns(connection, twin)
        return sorted(found)

    async def _of(self, table: Table, twin: UUID, campaigns: Sequence[UUID]) -> int:
        async with self._database.work() as work:
            return await twin_rows.remove_rows(work.connection, table, twin, campaigns, PAGE)
