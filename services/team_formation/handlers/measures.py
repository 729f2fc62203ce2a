"""Measures what waits in team_formation's database, which teams are open, and what the last check found."""

from services.chassis.database import Database
from services.chassis.measures import MOST_COUNTED, tell_overdue
from services.team_formation import metrics
from services.team_formation.store import measures as store

STATES = ("FORMING", "TIPPED")


class Measures:
    """Run by a timer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """Measure; returns how many teams are open."""
        async with self._database.read() as connection:
            teams, calls = await store.find_oldest_due(connection)
            open_teams = await store.count_open_teams(connection, MOST_COUNTED)
            checked = await store.list_check_results(connection)
        tell_overdue({"due teams": teams, "chats": calls})
        for state in STATES:
            metrics.OPEN_TEAMS.labels(state.lower()).set(open_teams.get(state, 0))
        metrics.CHECK_VIOLATIONS.clear()
        for invariant, violations, _ in checked:
            metrics.CHECK_VIOLATIONS.labels(invariant).set(violations)
        metrics.CHECK_AT.set(max((at.timestamp() for _, _, at in checked), default=0))
        return sum(open_teams.values())
