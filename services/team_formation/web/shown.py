"""What pages show of a team: the team, the terms it opened with and its campaign, loaded once for all who look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.database import Connection, Database
from services.team_formation import store
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import Campaign, Team, Terms
from services.team_formation.translate import team_id
from services.team_formation.watch import State, find_priced, price_turn

Name = tuple[UUID, str]

_TURNS = 2**20
"""More than the steps of all prices of a table."""
_ITEMS = 2**10
"""More than the items of a campaign."""
LOOK_SECONDS = 3.0
"""Stock is taken by other teams too, of which a watcher is told nothing: so often it is looked at."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A team as it stands."""

    team: Team
    terms: Terms
    campaign: Campaign
    sold_out: frozenset[str] = frozenset()
    """Items of which nothing is left."""

    @property
    def is_sold_out(self) -> bool:
        """Whether nothing is left of anything that is sold."""
        return bool(self.sold_out) and self.sold_out >= {item.sku for item in self.terms.items}

    @property
    def version(self) -> int:
        """Grows by one with each change of the team."""
        return self.team.version

    @property
    def turn(self) -> int:
        """Another number, other words: the campaign was changed, an item is sold out, its fill moved the prices."""
        changes = self.campaign.version * _ITEMS + len(self.sold_out)
        return changes * _TURNS + price_turn(self.team, self.terms.price_table)


class ShownTeams:
    """Loads teams by platform and id; the id is as the API has it."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue

    async def load(self, names: Sequence[Name]) -> Mapping[Name, State[Shown]]:
        """Load the teams that exist."""
        found: dict[Name, State[Shown]] = {}
        async with self._database.read() as connection:
            for team, terms in await find_priced(connection, self._catalogue, names):
                campaign = await self._catalogue.current(connection, team.platform_id, team.campaign_id)
                if campaign:
                    sold_out = await self._sold_out(connection, campaign)
                    shown = Shown(team, terms, campaign, sold_out or frozenset())
                    name = (team.platform_id, team_id(team.campaign_id, team.team_id))
                    again = None if sold_out is None or not team.state.is_open else LOOK_SECONDS
                    found[name] = State(shown.version, shown, not team.state.is_open, again=again, turn=shown.turn)
        return found

    async def _sold_out(self, connection: Connection, campaign: Campaign) -> frozenset[str] | None:
        """Tell what is sold out; None where nothing has stock."""
        if not self._catalogue.has_stock(campaign.campaign_id):
            return None
        stock = await (await store.list_stock(connection, campaign.platform_id, [campaign.campaign_id])).all()
        return frozenset(sku for _, sku, level in stock if level.taken >= level.offered)
