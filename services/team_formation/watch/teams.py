"""Teams as WatchTeam sends them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.team_formation import domain, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.store.watching import find_teams
from services.team_formation.watch.topic import State

Name = tuple[UUID, str]


class TeamStates:
    """Loads teams by platform and id; the id is as the API has it, which is the key of the team's events too."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    async def load(self, names: Sequence[Name]) -> Mapping[Name, State[bytes]]:
        """Load the teams that exist."""
        async with self._database.read() as connection:
            return dict([self._state(*priced) for priced in await find_priced(connection, self._catalogue, names)])

    def _state(self, team: domain.Team, terms: domain.Terms) -> tuple[Name, State[bytes]]:
        written = translate.team(team, terms)
        as_of = translate.time(self._clock.now(team.platform_id))
        body = pb.WatchTeamResponse(team=written, as_of=as_of).SerializeToString()
        return (team.platform_id, written.team_id), State(
            team.version, body, not team.state.is_open, turn=price_turn(team, terms.price_table)
        )


async def find_priced(
    connection: Connection, catalogue: Catalogue, names: Sequence[Name]
) -> list[tuple[domain.Team, domain.Terms]]:
    """Find the teams that exist, with their terms."""
    return await catalogue.priced(connection, await _find(connection, names))


def price_turn(team: domain.Team, table: domain.PriceTable) -> int:
    """Number the prices of a team that others move: those of its campaign's other teams."""
    return table.turn(team.price_fill(table.basis)) if table.basis is domain.Basis.CAMPAIGN_UNITS else 0


async def _find(connection: Connection, names: Sequence[Name]) -> list[domain.Team]:
    wanted: defaultdict[tuple[UUID, UUID], list[UUID]] = defaultdict(list)
    for platform_id, key in names:
        campaign_id, team_id = ids.parse(translate.TEAM, key, 2) or ()
        wanted[platform_id, campaign_id].append(team_id)
    async with connection.pipeline():
        asked = [await find_teams(connection, *whose, team_ids) for whose, team_ids in wanted.items()]
        return [team for rows in asked for team in await rows.all()]
