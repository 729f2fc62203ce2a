"""Campaigns' sums and prices: counted for whoever shows them, and as WatchCampaign sends them.

They are counted anew rather than kept: a row of sums would be written by every join of the campaign. A count takes
about 1 ms for 1,000 teams and 0.1 s for 100,000, and is followed by a rest of twenty times as long: whoever watches a
campaign takes at most a twentieth of one of the database's processors.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.team_formation import store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import (
    NO_TALLY,
    Basis,
    Campaign,
    CampaignState,
    Level,
    PriceTable,
    Role,
    Tally,
    TeamState,
    Totals,
)
from services.team_formation.store.watching import TeamSums, sum_teams
from services.team_formation.watch.topic import State

REST_SECONDS = 1.0
REST_PER_COUNT = 20
LONGEST_REST_SECONDS = 10.0
AGAIN_SECONDS = 30.0
"""A test platform's clock may be moved without a word to us."""

Name = tuple[UUID, UUID]

_OPEN = (TeamState.FORMING, TeamState.TIPPED)
_LASTING = (*_OPEN, TeamState.FORMED)
_RANKS = {CampaignState.RUNNING: 1, CampaignState.PAUSED: 1, CampaignState.ENDED: 2, CampaignState.CANCELLED: 2}
_OVER = {CampaignState.ENDED, CampaignState.CANCELLED}


Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of a campaign."""

    campaign: Campaign
    teams: Sequence[TeamSums]
    stock: Sequence[tuple[str, Level]]
    """Of the items that have some."""
    tally: Tally
    """The last one where the whole campaign fills the ladder."""
    now: datetime
    """By the platform's clock."""

    @property
    def state(self) -> CampaignState:
        """Where the campaign stood when it was counted."""
        return self.campaign.state(self.now)

    @property
    def turn(self) -> int:
        """A number of the prices that a tally moves, though no team changed."""
        table = self.campaign.terms.price_table
        return table.turn(self.tally.units) if table.basis is Basis.CAMPAIGN_UNITS else 0

    @property
    def open_teams(self) -> int:
        """How many teams can be joined."""
        return self.teams_in(*_OPEN)

    @property
    def open_sums(self) -> list[TeamSums]:
        """The sums of teams that can be joined."""
        return self.of(_OPEN)

    def teams_in(self, *states: TeamState) -> int:
        """Tell how many teams are in a state."""
        return sum(sums.teams for sums in self.of(states))

    def of(self, states: Sequence[TeamState]) -> list[TeamSums]:
        """Give the sums of teams in a state."""
        return [sums for sums in self.teams if sums.state in states]

    def revision(self) -> int:
        """Number the sums, alike on every replica.

        Each change of a team raises its version by one and no team goes away; a change of the campaign weighs more
        than what the time alone can change.
        """
        return sum(sums.versions for sums in self.teams) + 3 * self.campaign.version + _RANKS.get(self.state, 0)

    def totals(self) -> Totals:
        """Add up the teams that are open or have formed."""
        kept = [sums.totals for sums in self.of(_LASTING)]
        return Totals(*map(sum, zip(*map(astuple, kept), strict=True)))

    def fill(self, table: PriceTable, sums: TeamSums) -> int:
        """Tell the fill that the fullest of some teams has its prices at."""
        most = Totals(confirmed_members=sums.most_members, confirmed_units=sums.most_units)
        return _fill(table.basis, most, self.tally)


Write: TypeAlias = Callable[[Connection, Counted], Awaitable[Body]]
"""Makes what is shown of a count, while its connection is there."""


class CampaignCounts(Generic[Body]):
    """Counts campaigns by platform and id, for whoever shows them."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, write: Write[Body]) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._write = write

    async def load(self, names: Sequence[Name]) -> Mapping[Name, State[Body]]:
        """Count the campaigns that exist, one after the other."""
        return {name: state for name in names if (state := await self._state(*name))}

    async def _state(self, platform_id: UUID, campaign_id: UUID) -> State[Body] | None:
        async with self._database.read() as connection:
            campaign = await self._catalogue.current(connection, platform_id, campaign_id)
            if campaign is None:
                return None
            began = time.monotonic()
            counted = await self._count(connection, campaign)
            body = await self._write(connection, counted)
            rest = max(REST_SECONDS, min(REST_PER_COUNT * (time.monotonic() - began), LONGEST_REST_SECONDS))
        final = counted.state in _OVER and not counted.open_teams
        turns = [(at - counted.now).total_seconds() for at in (campaign.starts_at, campaign.ends_at)]
        again = min([*(turn for turn in turns if turn > 0), AGAIN_SECONDS])
        return State(counted.revision(), body, final, rest, again, counted.turn)

    async def _count(self, connection: Connection, campaign: Campaign) -> Counted:
        async with connection.pipeline():
            teams = await sum_teams(connection, campaign.platform_id, campaign.campaign_id)
            stock = await store.list_stock(connection, campaign.platform_id, [campaign.campaign_id])
            summed, levels = await teams.all(), [(sku, level) for _, sku, level in await stock.all()]
        tally = await self._tally(connection, campaign)
        return Counted(campaign, summed, levels, tally, self._clock.now(campaign.platform_id))

    async def _tally(self, connection: Connection, campaign: Campaign) -> Tally:
        """Find the last tally; none, and no look, where no terms that were seen ask for one."""
        if not self._catalogue.fills_ladder(campaign.campaign_id):
            return NO_TALLY
        return await store.find_tally(connection, campaign.campaign_id)


class CampaignMessages:
    """Writes counts as WatchCampaign sends them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def write(self, connection: Connection, counted: Counted) -> bytes:
        """Write a count."""
        reached = await self._reached(connection, counted)
        return _written(counted, _prices(counted.campaign.terms.price_table, reached, counted.tally))

    async def _reached(self, connection: Connection, counted: Counted) -> list[tuple[PriceTable, int]]:
        """Tell the largest confirmed fill of open teams, for each price table that they have."""
        campaign, reached = counted.campaign, []
        for sums in counted.open_sums:
            terms = await self._catalogue.terms(
                connection, campaign.platform_id, campaign.campaign_id, sums.terms_version
            )
            reached.append((terms.price_table, counted.fill(terms.price_table, sums)))
        return reached


def _fill(basis: Basis, most: Totals, tally: Tally) -> int:
    return tally.units if basis is Basis.CAMPAIGN_UNITS else most.ladder_fill(basis)


def _prices(table: PriceTable, reached: Sequence[tuple[PriceTable, int]], tally: Tally) -> list[pb.CampaignPrice]:
    """Write the prices of what is sold now: those at no fill, and the lowest that an open team has reached.

    Where the whole campaign fills the ladder, who opens the next team has the campaign's price too.
    """
    begins = _fill(table.basis, Totals(), tally)
    lowest: dict[tuple[str, Role], int] = {}
    for theirs, fill in reached:
        for row in theirs.rows:
            price = row.at(fill).unit_price
            lowest[row.sku, row.role] = min(price, lowest.get((row.sku, row.role), price))
    return [
        pb.CampaignPrice(
            sku=row.sku,
            role=translate.ROLES[row.role],
            list_price=translate.money(row.at(0).unit_price, table.currency),
            unit_price=translate.money(lowest.get((row.sku, row.role), row.at(begins).unit_price), table.currency),
        )
        for row in table.rows
    ]


def _written(counted: Counted, prices: Sequence[pb.CampaignPrice]) -> bytes:
    campaign = counted.campaign
    response = pb.WatchCampaignResponse(
        revision=counted.revision(),
        state=types_pb2.CampaignState.Value(f"CAMPAIGN_STATE_{counted.state}"),
        ends_at=translate.time(campaign.ends_at),
        shown_sku=campaign.shown_sku,
        stock=[types_pb2.ItemStock(sku=sku, offered=at.offered, taken=at.taken) for sku, at in counted.stock],
        open_teams=counted.open_teams,
        tipped_teams=counted.teams_in(TeamState.TIPPED),
        formed_teams=counted.teams_in(TeamState.FORMED),
        totals=translate.totals(counted.totals()),
        as_of=translate.time(counted.now),
        prices=prices,
    )
    return response.SerializeToString()
