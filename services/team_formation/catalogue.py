"""Campaigns and their terms, remembered by a process: a version of terms never changes."""

from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.team_formation import store
from services.team_formation.domain import Campaign

_MOST = 5000


class Catalogue:
    """Finds campaigns, in memory where it has seen them."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, int | None], Campaign] = {}

    async def find(
        self, connection: AsyncConnection[TupleRow], campaign_id: UUID, terms_version: int | None = None
    ) -> Campaign | None:
        """Find a campaign with its terms at a version, or those for teams opened now."""
        known = self._known.get((campaign_id, terms_version))
        if known is None:
            known = await store.find_campaign(connection, campaign_id, terms_version)
            if known:
                self._remember((campaign_id, terms_version), known)
        return known

    def _remember(self, key: tuple[UUID, int | None], campaign: Campaign) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = campaign
