"""What pages show of a team: the team, the terms it opened with and its campaign, loaded once for all who look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.database import Database
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import Campaign, Team, Terms
from services.team_formation.translate import team_id
from services.team_formation.watch import State, find_priced, price_turn

Name = tuple[UUID, str]

_TURNS = 2**20
"""More than the steps of all prices of a table."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A team as it stands."""

    team: Team
    terms: Terms
    campaign: Campaign

    @property
    def version(self) -> int:
        """Grows by one with each change of the team."""
        return self.team.version

    @property
    def turn(self) -> int:
        """Another number, other words at the same version: the campaign was changed, or its fill moved the prices."""
        return self.campaign.version * _TURNS + price_turn(self.team, self.terms.price_table)


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
                    shown = Shown(team, terms, campaign)
                    name = (team.platform_id, team_id(team.campaign_id, team.team_id))
                    found[name] = State(shown.version, shown, not team.state.is_open, turn=shown.turn)
        return found
