"""Campaigns and terms, remembered by a process: a version of a campaign, or of its terms, never changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.team_formation import store
from services.team_formation.domain import AbuseRule, Basis, Campaign, OnFull, Tally, Team, Terms

_MOST = 5000
"""Terms; a campaign that is known has some."""


@dataclass(slots=True)
class _Known:
    """What is known of one campaign; what its terms ask for is what any that were seen do."""

    campaign: Campaign | None = None
    terms: dict[int, Terms] = field(default_factory=dict)
    limits_members: bool = False
    has_stock: bool = False
    overflows: bool = False
    has_waitlists: bool = False
    fills_ladder: bool = False

    def add(self, terms: Terms) -> None:
        self.terms[terms.version] = terms
        self.limits_members |= terms.rules.limits_members
        self.has_stock |= any(item.stock is not None for item in terms.items)
        self.overflows |= terms.rules.on_full is OnFull.OPEN_TEAM
        self.has_waitlists |= terms.rules.on_full is OnFull.WAITLIST
        self.fills_ladder |= terms.price_table.basis is Basis.CAMPAIGN_UNITS


_NOTHING = _Known()


class Catalogue:
    """Finds campaigns and terms, in memory where it has seen the version that is asked for.

    Where it is full, the campaigns seen first are forgotten, one by one and with all their terms, but none of the batch
    under way: a process decides one batch at a time.
    """

    def __init__(self) -> None:
        self._known: dict[UUID, _Known] = {}
        self._kept: set[UUID] = set()
        self._size = 0

    async def learn(self, connection: AsyncConnection[TupleRow], campaigns: Iterable[tuple[UUID, UUID]]) -> None:
        """Have a batch's campaigns at hand, until the next batch: by their rules it is known what has to be locked."""
        wanted = list(campaigns)
        self._kept = {campaign_id for _, campaign_id in wanted}
        for platform_id, campaign_id in wanted:
            if self._of(campaign_id).campaign is None and (
                found := await store.find_campaign(connection, platform_id, campaign_id)
            ):
                self._remember(found)

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
        known = self._of(campaign_id).campaign
        if known is None or known.version != version:
            known = await store.find_campaign(connection, platform_id, campaign_id)
            if known:
                self._remember(known)
        return known

    async def terms(
        self, connection: AsyncConnection[TupleRow], platform_id: UUID, campaign_id: UUID, version: int
    ) -> Terms:
        """Find a version of a campaign's terms; RuntimeError where a team names one that is not there."""
        found = self._of(campaign_id).terms.get(version)
        if found is None:
            found = await store.find_terms(connection, platform_id, campaign_id, version)
            if found is None:
                raise RuntimeError(f"campaign {campaign_id} has no terms {version}")
            self._remember_terms(campaign_id, found)
        return found

    async def priced(self, connection: AsyncConnection[TupleRow], teams: Sequence[Team]) -> list[tuple[Team, Terms]]:
        """Give teams, read to be shown, with their terms, and the tally where the whole campaign fills the ladder."""
        tallies: dict[UUID, Tally] = {}
        priced = []
        for team in teams:
            terms = await self.terms(connection, team.platform_id, team.campaign_id, team.terms_version)
            if terms.price_table.basis is Basis.CAMPAIGN_UNITS:
                if team.campaign_id not in tallies:
                    tallies[team.campaign_id] = await store.find_tally(connection, team.campaign_id)
                team = replace(team, tally=tallies[team.campaign_id])  # noqa: PLW2901 - the same team, as it is shown
            priced.append((team, terms))
        return priced

    def owns(self, platform_id: UUID, campaign_id: UUID) -> bool:
        """Tell whether a campaign is known, and the platform's."""
        known = self._of(campaign_id).campaign
        return known is not None and known.platform_id == platform_id

    def limits_members(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known that limit what a member may have."""
        return self._of(campaign_id).limits_members

    def has_stock(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which an item has stock."""
        return self._of(campaign_id).has_stock

    def overflows(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which a full team has another one opened."""
        return self._of(campaign_id).overflows

    def has_waitlists(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which members wait for room."""
        return self._of(campaign_id).has_waitlists

    def fills_ladder(self, campaign_id: UUID) -> bool:
        """Tell whether terms of a campaign are known by which all its teams together fill the ladder."""
        return self._of(campaign_id).fills_ladder

    def abuse_rules(self, campaign_id: UUID) -> tuple[AbuseRule, ...]:
        """Give a campaign's rules against abuse, at the version that was seen last."""
        campaign = self._of(campaign_id).campaign
        return campaign.abuse_rules if campaign else ()

    def _of(self, campaign_id: UUID) -> _Known:
        return self._known.get(campaign_id, _NOTHING)

    def _remember(self, campaign: Campaign) -> None:
        self._remember_terms(campaign.campaign_id, campaign.terms)
        self._known[campaign.campaign_id].campaign = campaign

    def _remember_terms(self, campaign_id: UUID, terms: Terms) -> None:
        known = self._known.setdefault(campaign_id, _Known())
        self._size += terms.version not in known.terms
        known.add(terms)
        while self._size > _MOST and (oldest := self._oldest_but(campaign_id)):
            self._size -= len(self._known.pop(oldest).terms)

    def _oldest_but(self, campaign_id: UUID) -> UUID | None:
        return next((one for one in self._known if one not in self._kept and one != campaign_id), None)
