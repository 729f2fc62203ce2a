"""Campaigns' sums and prices as WatchCampaign sends them.

They are counted anew rather than kept: a row of sums would be written by every join of the campaign. A count takes
about 1 ms for 1,000 teams and 0.1 s for 100,000, and is followed by a rest of twenty times as long: whoever watches a
campaign takes at most a twentieth of one of the database's processors.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class _Count:
    """What was counted of a campaign."""

    campaign: Campaign
    teams: Sequence[TeamSums]
    stock: Sequence[tuple[str, Level]]

    def teams_in(self, *states: TeamState) -> int:
        return sum(sums.teams for sums in self.of(states))

    def of(self, states: Sequence[TeamState]) -> list[TeamSums]:
        return [sums for sums in self.teams if sums.state in states]

    def revision(self, state: CampaignState) -> int:
        """Number the sums, alike on every replica.

        Each change of a team raises its version by one and no team goes away; a change of the campaign weighs more
        than what the time alone can change.
        """
        return sum(sums.versions for sums in self.teams) + 3 * self.campaign.version + _RANKS.get(state, 0)

    def totals(self) -> types_pb2.Totals:
        kept = [sums.totals for sums in self.of(_LASTING)]
        return translate.totals(Totals(*map(sum, zip(*map(astuple, kept), strict=True))))


class CampaignSums:
    """Counts campaigns by platform and id."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    async def load(self, names: Sequence[Name]) -> Mapping[Name, State[bytes]]:
        """Count the campaigns that exist, one after the other."""
        return {name: state for name in names if (state := await self._state(*name))}

    async def _state(self, platform_id: UUID, campaign_id: UUID) -> State[bytes] | None:
        async with self._database.read() as connection:
            campaign = await self._catalogue.current(connection, platform_id, campaign_id)
            if campaign is None:
                return None
            began = time.monotonic()
            counted = await _count(connection, campaign)
            tally = await self._tally(connection, campaign)
            prices = _prices(campaign.terms.price_table, await self._reached(connection, counted, tally), tally)
            rest = max(REST_SECONDS, min(REST_PER_COUNT * (time.monotonic() - began), LONGEST_REST_SECONDS))
        return _written(counted, prices, _turn(campaign.terms.price_table, tally), self._clock.now(platform_id), rest)

    async def _tally(self, connection: Connection, campaign: Campaign) -> Tally:
        """Find the last tally; none, and no look, where no terms that were seen ask for one."""
        if not self._catalogue.fills_ladder(campaign.campaign_id):
            return NO_TALLY
        return await store.find_tally(connection, campaign.campaign_id)

    async def _reached(self, connection: Connection, counted: _Count, tally: Tally) -> list[tuple[PriceTable, int]]:
        """Tell the largest confirmed fill of open teams, for each price table that they have."""
        reached = []
        for sums in counted.of(_OPEN):
            terms = await self._catalogue.terms(
                connection, counted.campaign.platform_id, counted.campaign.campaign_id, sums.terms_version
            )
            most = Totals(confirmed_members=sums.most_members, confirmed_units=sums.most_units)
            reached.append((terms.price_table, _fill(terms.price_table.basis, most, tally)))
        return reached


async def _count(connection: Connection, campaign: Campaign) -> _Count:
    async with connection.pipeline():
        teams = await sum_teams(connection, campaign.platform_id, campaign.campaign_id)
        stock = await store.list_stock(connection, campaign.platform_id, [campaign.campaign_id])
        return _Count(campaign, await teams.all(), [(sku, level) for _, sku, level in await stock.all()])


def _fill(basis: Basis, most: Totals, tally: Tally) -> int:
    return tally.units if basis is Basis.CAMPAIGN_UNITS else most.ladder_fill(basis)


def _turn(table: PriceTable, tally: Tally) -> int:
    """Number the prices that a tally moves, though no team changed."""
    return table.turn(tally.units) if table.basis is Basis.CAMPAIGN_UNITS else 0


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


def _written(
    counted: _Count, prices: Sequence[pb.CampaignPrice], turn: int, now: datetime, rest: float
) -> State[bytes]:
    campaign, state = counted.campaign, counted.campaign.state(now)
    open_teams = counted.teams_in(*_OPEN)
    revision = counted.revision(state)
    response = pb.WatchCampaignResponse(
        revision=revision,
        state=types_pb2.CampaignState.Value(f"CAMPAIGN_STATE_{state}"),
        ends_at=translate.time(campaign.ends_at),
        shown_sku=campaign.shown_sku,
        stock=[types_pb2.ItemStock(sku=sku, offered=at.offered, taken=at.taken) for sku, at in counted.stock],
        open_teams=open_teams,
        tipped_teams=counted.teams_in(TeamState.TIPPED),
        formed_teams=counted.teams_in(TeamState.FORMED),
        totals=counted.totals(),
        as_of=translate.time(now),
        prices=prices,
    )
    turns = [(at - now).total_seconds() for at in (campaign.starts_at, campaign.ends_at) if at > now]
    again = min([*turns, AGAIN_SECONDS])
    return State(revision, response.SerializeToString(), state in _OVER and not open_teams, rest, again, turn)
