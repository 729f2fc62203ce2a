"""Campaigns and terms, remembered by a process: a version of a campaign, or of its terms, never changes."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.team_formation import store
from services.team_formation.domain import Campaign, OnFull, Terms

_MOST = 5000


class Catalogue:
    """Finds campaigns and terms, in memory where it has seen the version that is asked for."""

    def __init__(self) -> None:
        self._campaigns: dict[UUID, Campaign] = {}
        self._terms: dict[tuple[UUID, int], Terms] = {}
        self._limited: set[UUID] = set()
        self._overflowing: set[UUID] = set()
        self._stocked: set[UUID] = set()
        self._waitlisting: set[UUID] = set()

    async def learn(self, connection: AsyncConnection[TupleRow], campaigns: Iterable[tuple[UUID, UUID]]) -> None:
        """Have campaigns at hand that were never asked for: by their rules it is known what has to be locked."""
        for platform_id, campaign_id in campaigns:
            if campaign_id not in self._campaigns and (
                known := await store.find_campaign(connection, platform_id, campaign_id)
            ):
                self._remember(known)

    async def current(
        self, connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID
    ) -> Campaign | None:
        """Find a campaign of a platform as it is now."""
        version = await store.find_version(connection, platform_id, campaign_id)
        return await self.at(connection, platform_id, campaign_id, version) if version else None

    async def at(
        self, connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, version: int
    ) -> Campaign | None:
        """Find a campaign that is known to have a version, or a newer one by now."""
        known = self._campaigns.get(campaign_id)
        if known is None or known.version != version:
            known = await store.find_campaign(connection, platform_id, campaign_id)
            if known:
                self._remember(known)
        return known

    async def terms(
        self, connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, version: int
    ) -> Terms:
        """Find a version of a campaign's terms; RuntimeError where a team names one that is not there."""
        found = self._terms.get((campaign_id, version))
        if found is None:
            found = await store.find_terms(connection, platform_id, campaign_id, version)
            if found is None:
                raise RuntimeError(f"campaign {campaign_id} has no terms {version}")
            self._remember_terms(campaign_id, found)
        return found

    def owns(self, platform_id: UUID, campaign_id: UUID) -> bool:
        """Tell whether a campaign is known, and the platform's."""
        known = self._campaigns.get(campaign_id)
        return known is not None and known.platform_id == platform_id

    def limits_members(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known that limit what a member may have."""
        return campaign_id in self._limited

    def has_stock(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which an item has stock."""
        return campaign_id in self._stocked

    def overflows(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which a full team has another one opened."""
        return campaign_id in self._overflowing

    def has_waitlists(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which members wait for room."""
        return campaign_id in self._waitlisting

    def _remember(self, campaign: Campaign) -> None:
        if len(self._campaigns) >= _MOST:
            self._campaigns.clear()
        self._campaigns[campaign.campaign_id] = campaign
        self._remember_terms(campaign.campaign_id, campaign.terms)

    def _remember_terms(self, campaign_id: UUID, terms: Terms) -> None:
        if len(self._terms) >= _MOST:
            self._terms.clear()
        self._terms[campaign_id, terms.version] = terms
        if terms.rules.limits_members:
            self._limited.add(campaign_id)
        if any(item.stock is not None for item in terms.items):
            self._stocked.add(campaign_id)
        if terms.rules.on_full is OnFull.OPEN_TEAM:
            self._overflowing.add(campaign_id)
        if terms.rules.on_full is OnFull.WAITLIST:
            self._waitlisting.add(campaign_id)
