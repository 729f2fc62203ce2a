"""Live readers of teams: each gets the latest state, never a queue; one query looks for all of a process' teams.

A process learns that something changed from the outbox's wake-up call, whoever made the change; or by polling.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg

from services.chassis import logs
from services.chassis.database import Database
from services.chassis.errors import Unavailable
from services.chassis.wakes import wakes
from services.team_formation import store
from services.team_formation.domain import Team

POLL_SECONDS = 1.0
GATHER_SECONDS = 0.02

log = logs.logger(__name__)

Key = tuple[UUID, UUID]


class _Reader:
    """One reader: what it has not seen yet is at most one state."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.latest: Team | None = None
        self.changed = asyncio.Event()

    def give(self, team: Team) -> None:
        if team.version > self.version and (self.latest is None or team.version > self.latest.version):
            self.latest = team
            self.changed.set()

    def take(self) -> Team | None:
        self.changed.clear()
        team, self.latest = self.latest, None
        if team:
            self.version = team.version
        return team


class TeamWatch:
    """Tells readers of changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers: dict[Key, set[_Reader]] = defaultdict(set)
        self._stopping = False

    @property
    def readers(self) -> int:
        """How many readers there are."""
        return sum(map(len, self._readers.values()))

    async def follow(self, team: Team, after_version: int) -> AsyncIterator[Team]:
        """Give the team at once if it is newer than a version, then after each change, until it has ended."""
        key = (team.campaign_id, team.team_id)
        reader = _Reader(min(after_version, team.version))  # a version that is yet to come would never be passed
        self._readers[key].add(reader)
        try:
            reader.give(team)
            while True:
                if current := reader.take():
                    team = current
                    yield team
                if not team.state.is_open:
                    return
                await reader.changed.wait()
                if self._stopping:
                    raise Unavailable("the service is stopping")
        finally:
            self._readers[key].discard(reader)
            if not self._readers[key]:
                del self._readers[key]

    async def run(self) -> None:
        """Look for changes for as long as the process runs."""
        async for _ in wakes(self._database, POLL_SECONDS):
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self.run_once()
            except psycopg.Error as error:
                log.warning("watch did not look", why=str(error).strip())

    async def run_once(self) -> int:
        """Look once; returns the number of teams that changed."""
        if not self._readers:
            return 0
        known = [(*key, min(reader.version for reader in readers)) for key, readers in self._readers.items()]
        async with self._database.read() as connection:
            teams = await store.find_teams(connection, known)
        for team in teams:
            for reader in self._readers.get((team.campaign_id, team.team_id), ()):
                reader.give(team)
        return len(teams)

    async def stop(self) -> None:
        """End every stream, so that the readers come back to another replica."""
        self._stopping = True
        for readers in list(self._readers.values()):
            for reader in readers:
                reader.changed.set()
