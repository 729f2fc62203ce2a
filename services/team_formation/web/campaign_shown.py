"""What pages show of a campaign: its sums, and the listed teams that miss least, counted once for all who look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import Basis, Campaign, CampaignState, Team, TeamState, Terms
from services.team_formation.store import lists
from services.team_formation.watch import CampaignCounts, Counted, State

Name = tuple[UUID, UUID]

MOST_TEAMS = 10
"""Teams on a page."""
MOST_CERTAIN = 5
"""Of them, those that have enough already: they are cheapest, but others are to be completed."""
BEHIND_SECONDS = 2.0
"""A tally comes a moment after what it counts, and is not told to watchers: it is looked for so often until then."""
_CANDIDATES = 50
"""Full teams come first in the list, those that miss least are among them."""


@dataclass(frozen=True, slots=True)
class ShownCampaign:
    """A campaign as it stands."""

    counted: Counted
    listed: Sequence[tuple[Team, Terms]]
    """The listed teams that miss least, which anybody may join."""

    @property
    def campaign(self) -> Campaign:
        """The campaign."""
        return self.counted.campaign

    @property
    def state(self) -> CampaignState:
        """Where it stands."""
        return self.counted.state

    @property
    def version(self) -> int:
        """Grows with each change of the campaign and its teams."""
        return self.counted.revision()

    @property
    def turn(self) -> int:
        """Another number, other words at the same version: the last tally, where all teams fill the ladder together."""
        return self.counted.tally.seq

    @property
    def joined(self) -> int:
        """Members who have confirmed, in teams that are open or have formed; none whom the seller put in."""
        totals = self.counted.totals()
        return totals.confirmed_members - totals.sponsored_members

    @property
    def fill(self) -> int:
        """What has filled the ladder: units of the whole campaign, or else of its fullest open team."""
        terms = self.campaign.terms
        if terms.price_table.basis is Basis.CAMPAIGN_UNITS:
            return self.counted.tally.units
        ours = (sums for sums in self.counted.open_sums if sums.terms_version == terms.version)
        return max((self.counted.fill(terms.price_table, sums) for sums in ours), default=0)

    @property
    def left(self) -> Mapping[str, int]:
        """Units left of the items that have stock."""
        return {sku: max(level.offered - level.taken, 0) for sku, level in self.counted.stock}

    @property
    def is_sold_out(self) -> bool:
        """Whether nothing is left of any item."""
        left = self.left
        return all(left.get(item.sku, 1) == 0 for item in self.campaign.terms.items)


class ShownCampaigns:
    """Loads campaigns by platform and id."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._counts = CampaignCounts(database, clock, catalogue, self._shown)

    async def load(self, names: Sequence[Name]) -> Mapping[Name, State[ShownCampaign]]:
        """Load the campaigns that exist; what it takes is bounded as the counts are."""
        return {name: _numbered(state) for name, state in (await self._counts.load(names)).items()}

    async def _shown(self, connection: Connection, counted: Counted) -> ShownCampaign:
        campaign = counted.campaign
        if counted.state is not CampaignState.RUNNING:
            return ShownCampaign(counted, ())
        where = connection, campaign.platform_id, campaign.campaign_id, counted.now
        forming = await lists.list_fullest(*where, _CANDIDATES)
        certain = await lists.list_certain(*where, MOST_CERTAIN) if counted.teams_in(TeamState.TIPPED) else []
        priced = await self._catalogue.priced(connection, [*certain, *forming])
        return ShownCampaign(counted, sorted(priced, key=_missing)[:MOST_TEAMS])


def _missing(priced: tuple[Team, Terms]) -> tuple[int, int, object, UUID]:
    """Order teams: those that miss least until they are certain, then the fullest, then those that end first."""
    team, rules = priced[0], priced[1].rules
    needed = max(rules.minimum - team.totals.confirmed(rules.counted_in), 0)
    return needed, -team.totals.taken(rules.counted_in), team.ends_at, team.team_id


def _numbered(state: State[ShownCampaign]) -> State[ShownCampaign]:
    shown = state.body
    if shown.campaign.terms.price_table.basis is not Basis.CAMPAIGN_UNITS:
        return state
    is_behind = shown.counted.totals().confirmed_units != shown.counted.tally.units and not state.final
    return replace(state, turn=shown.turn, again=BEHIND_SECONDS if is_behind else state.again)
