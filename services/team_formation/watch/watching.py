"""Tells readers of changes to teams and campaigns, whichever replica made them."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Generic, TypeVar
from uuid import UUID

import psycopg

from services.chassis import ids, logs
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.outbox import WAKE_CHANNEL
from services.team_formation import translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.watch.campaigns import CampaignCounts, CampaignMessages
from services.team_formation.watch.hub import Hub, Load
from services.team_formation.watch.tail import Tail, TurnedPrices
from services.team_formation.watch.teams import TeamStates
from services.team_formation.watch.turns import Turns

POLL_SECONDS = 1.0
GATHER_SECONDS = 0.05

Team = TypeVar("Team")
Campaign = TypeVar("Campaign")

log = logs.logger(__name__)


class Watch(Generic[Team, Campaign]):
    """Readers of this process, who see teams and campaigns as they are loaded for them."""

    def __init__(
        self, database: Database, clock: Clock, load_teams: Load[str, Team], load_campaigns: Load[UUID, Campaign]
    ) -> None:
        turns = Turns()
        self.teams: Hub[str, Team] = Hub(load_teams, turns, lambda: Rejected("TEAM_UNKNOWN"))
        self.campaigns: Hub[UUID, Campaign] = Hub(load_campaigns, turns, lambda: Rejected("CAMPAIGN_UNKNOWN"))
        self._database = database
        self._tail = Tail()
        self._turned = TurnedPrices(clock)

    @property
    def readers(self) -> int:
        """How many readers there are."""
        return self.teams.readers + self.campaigns.readers

    async def run(self) -> None:
        """Look for changes for as long as the process runs."""
        async for _ in self._database.wakes.calls(WAKE_CHANNEL, POLL_SECONDS):
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self.run_once()
            except psycopg.Error as error:
                log.warning("watch did not look", why=str(error).strip())

    async def run_once(self) -> None:
        """Look once; what is watched and has changed is loaded soon after."""
        if not self.teams.watched and not self.campaigns.watched:
            self._tail.forget()
            self._turned.forget()
            return
        async with self._database.read() as connection:
            fresh = await self._tail.look(connection)
            turned = await self._turned.look(connection)
        if fresh is None:
            self.teams.changed(self.teams.watched)
            self.campaigns.changed(self.campaigns.watched)
            return
        self.teams.changed([*fresh, *self._teams_of(turned | _campaigns_among(fresh))])
        self.campaigns.changed(self._campaigns_of(fresh) | turned)

    async def stop(self) -> None:
        """End every stream, so that the readers come back to another replica."""
        self.teams.stop()
        self.campaigns.stop()

    def _teams_of(self, campaigns: Collection[UUID]) -> list[str]:
        """Tell which teams of campaigns are watched."""
        if not campaigns:
            return []
        return [key for key in self.teams.watched if (ids.parse(translate.TEAM, key, 2) or [None])[0] in campaigns]

    def _campaigns_of(self, keys: Iterable[str]) -> set[UUID]:
        """Tell whose events were told; nothing where nobody watches campaigns."""
        if not self.campaigns.watched:
            return set()
        found = (ids.parse(translate.TEAM, key, 2) or ids.parse(translate.CAMPAIGN, key, 1) for key in keys)
        return {pair[0] for pair in found if pair}


def message_watch(database: Database, clock: Clock, catalogue: Catalogue) -> Watch[bytes, bytes]:
    """Make the watch of WatchTeam and WatchCampaign, whose readers get written messages."""
    campaigns = CampaignCounts(database, clock, catalogue, CampaignMessages(catalogue).write)
    return Watch(database, clock, TeamStates(database, clock, catalogue).load, campaigns.load)


def _campaigns_among(keys: Iterable[str]) -> set[UUID]:
    """Tell which campaigns have events of their own: what a page shows of a team changes with its campaign."""
    return {found[0] for key in keys if (found := ids.parse(translate.CAMPAIGN, key, 1))}
