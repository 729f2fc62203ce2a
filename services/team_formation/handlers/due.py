"""Finds teams whose time has come and hands them to the ordinary path, which locks and looks again."""

import asyncio

from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.database import Database
from services.team_formation import store
from services.team_formation.handlers.commands import Answer, Ask, Expire

PAGE = 500


class DueFinder:
    """Run by a timer."""

    def __init__(self, database: Database, clock: Clock, commands: Coalescer[Ask, Answer]) -> None:
        self._database = database
        self._clock = clock
        self._commands = commands

    async def run_once(self) -> int:
        """Look at what is due, at most a page; returns how many teams."""
        async with self._database.read() as connection:
            due = await store.find_due(connection, self._clock.latest(), PAGE)
        asks = [Ask(platform_id, campaign_id, Expire(), team_id=team_id) for platform_id, campaign_id, team_id in due]
        await asyncio.gather(*(self._commands.submit(ask) for ask in asks))
        return len(due)
