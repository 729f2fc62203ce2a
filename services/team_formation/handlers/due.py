"""Finds teams whose time has come and hands them to the ordinary path, which locks and looks again."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.team_formation import store
from services.team_formation.handlers import book
from services.team_formation.handlers.asks import Answer, Ask, Look
from services.team_formation.store import Sweep

Result = TypeVar("Result")

PAGE = 500
CAMPAIGNS = 100


class DueFinder:
    """Run by a timer."""

    def __init__(self, database: Database, clock: Clock, commands: Coalescer[Ask, Answer]) -> None:
        self._database = database
        self._clock = clock
        self._commands = commands

    async def run_once(self) -> int:
        """Look at what is due, at most a page; returns how many teams."""
        async with self._database.read() as connection:
            due = await store.find_due(connection, self._clock.now(), self._clock.ahead(), PAGE)
        looked: list[Answer | BaseException] = []
        for part in _parts(due):
            looked += await asyncio.gather(*(self._commands.submit(ask) for ask in part), return_exceptions=True)
        return len(_without_failures(looked))


def _parts(due: Sequence[tuple[UUID, UUID, UUID, int]]) -> Iterator[list[Ask]]:
    """Part teams so that the holds of a part are looked at in one transaction; joins have their turn in between."""
    part: list[Ask] = []
    holds = 0
    for platform_id, campaign_id, team_id, held in due:
        if part and holds + min(held, book.MOST_HELD) > book.MOST_HELD_AT_ONCE:
            yield part
            part, holds = [], 0
        part.append(Ask(platform_id, campaign_id, Look(), team_id=team_id))
        holds += min(held, book.MOST_HELD)
    if part:
        yield part


def _without_failures(results: Sequence[Result | BaseException]) -> list[Result]:
    """Give results; where one is a failure raise it, now that the others went their way."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


class Sweeper:
    """Has the teams of a campaign looked at after a change that concerns them all: a cancellation, another end.

    Teams that open meanwhile need no look: whoever opens one keeps the campaign from changing until then.
    """

    def __init__(self, database: Database, commands: Coalescer[Ask, Answer]) -> None:
        self._database = database
        self._commands = commands

    async def run_once(self) -> int:
        """Look at the next page of every campaign that waits for it; returns how many teams."""
        async with self._database.read() as connection:
            sweeps = await store.find_sweeps(connection, CAMPAIGNS)
        results = await asyncio.gather(*map(self._sweep, sweeps), return_exceptions=True)
        return sum(_without_failures(results))

    async def _sweep(self, sweep: Sweep) -> int:
        async with self._database.read() as connection:
            teams = await store.list_sweep(connection, sweep, PAGE)
        asks = [Ask(sweep.platform_id, sweep.campaign_id, Look(), team_id=team_id) for team_id in teams]
        await asyncio.gather(*(self._commands.submit(ask) for ask in asks))
        async with self._database.read() as connection:
            await store.note_sweep(connection, sweep, teams[-1] if len(teams) == PAGE else None)
        return len(teams)
