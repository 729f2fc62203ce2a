"""What a promoter's pages show, counted from what is stored, and what it earns, as pricing settled it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

from services.chassis.database import Connection
from services.team_formation import store
from services.team_formation.commissions import Commission
from services.team_formation.domain import Campaign, CampaignState, Invite
from services.team_formation.domain.reports import InviteReport, InvitesReport
from services.team_formation.store import promoters as shelf
from services.team_formation.store.reports import report_newest
from services.team_formation.web.briefly import Briefly
from services.team_formation.web.ground import Ground
from services.team_formation.web.turns import Turns

CAMPAIGNS = 10
"""On a page."""
INVITES = 15
"""On a page: with their links it stays as small as other pages."""
FRESH_SECONDS = 5.0
"""Numbers are counted anew at most so often in a process, however many look."""
_MOST = 1_000
MOST_ASK = 8
"""Pages of one promoter that are counted, or wait for it, in a process; one is counted at a time."""


@dataclass(frozen=True, slots=True)
class Promoter:
    """Whose numbers they are."""

    platform_id: UUID
    promoter_id: str


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promoter brought to a campaign; amounts in minor units of its currency."""

    campaign: Campaign
    state: CampaignState
    report: InvitesReport
    rates: tuple[int, ...]
    """What its invites earn, in hundredths of a percent; none where none of them earns."""
    settled: Commission | None
    """None where pricing does not say."""
    under_way: int
    """Commission of teams under way, if they form at the prices of now."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Campaigns of a promoter, the newest first."""

    promoted: tuple[Promoted, ...]
    before: UUID | None
    """Where the next page begins; None at the end."""
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class Detail:
    """One campaign of a promoter, with its invites, the newest first."""

    promoted: Promoted
    invites: tuple[tuple[Invite, InviteReport], ...]
    before: UUID | None
    counted_at: datetime


_Key: TypeAlias = tuple[Promoter, UUID | None]


class PromoterNumbers:
    """Counts what pages of promoters show, one page of each promoter at a time.

    A page begins where the promoter has something, else at the newest: who has a link can ask for no more pages than
    there are. What is asked for beyond MOST_ASK raises TooManyWait.
    """

    def __init__(self, ground: Ground) -> None:
        self._database = ground.database
        self._clock = ground.clock
        self._catalogue = ground.catalogue
        self._commissions = ground.commissions
        self._overviews: Briefly[_Key, Overview] = Briefly(FRESH_SECONDS, _MOST)
        self._details: Briefly[tuple[Promoter, UUID, UUID | None], Detail | None] = Briefly(FRESH_SECONDS, _MOST)
        self._turns: Turns[Promoter] = Turns(MOST_ASK)

    async def overview(self, promoter: Promoter, before: UUID | None) -> Overview:
        """Count a page of campaigns, created before one of the promoter's."""
        if before and not await self._has_campaign(promoter, before):
            before = None
        count = partial(self._overview, promoter, before)
        return await self._overviews.of((promoter, before), lambda: self._turns.take(promoter, count))

    async def detail(self, promoter: Promoter, campaign_id: UUID, before: UUID | None) -> Detail | None:
        """Count a campaign with a page of invites, made before one of them; None where the promoter has none there."""
        if not await self._has_campaign(promoter, campaign_id):
            return None
        if before and not await self._has_invite(promoter, campaign_id, before):
            before = None
        count = partial(self._detail, promoter, campaign_id, before)
        return await self._details.of((promoter, campaign_id, before), lambda: self._turns.take(promoter, count))

    async def _has_campaign(self, promoter: Promoter, campaign_id: UUID) -> bool:
        async with self._database.read() as connection:
            return await shelf.has_promoted(connection, promoter.platform_id, campaign_id, promoter.promoter_id)

    async def _has_invite(self, promoter: Promoter, campaign_id: UUID, invite_id: UUID) -> bool:
        names = promoter.platform_id, campaign_id, promoter.promoter_id
        async with self._database.read() as connection:
            return await shelf.has_invite(connection, *names, invite_id)

    async def _overview(self, promoter: Promoter, before: UUID | None) -> Overview:
        now = self._clock.now(promoter.platform_id)
        async with self._database.one_moment() as connection:
            names = (promoter.platform_id, promoter.promoter_id)
            found = await shelf.list_promoted(connection, *names, before, CAMPAIGNS + 1)
            counted = [await self._counted(connection, promoter, name, None, 0, now) for name in found[:CAMPAIGNS]]
        promoted = await self._settled(promoter, [one for one in counted if one])
        more = len(found) > CAMPAIGNS
        return Overview(tuple(promoted), found[CAMPAIGNS - 1] if more else None, now)

    async def _detail(self, promoter: Promoter, campaign_id: UUID, before: UUID | None) -> Detail | None:
        now = self._clock.now(promoter.platform_id)
        async with self._database.one_moment() as connection:
            counted = await self._counted(connection, promoter, campaign_id, before, INVITES + 1, now)
            if counted is None:
                return None
            newest = counted.report.invites[::-1]
            shown = newest[:INVITES]
            names = [one.invite_id for one in shown]
            wanted = [(promoter.platform_id, campaign_id, names)]
            invites = {one.invite_id: one for one in await (await store.load_invites(connection, wanted)).one()}
        [promoted] = await self._settled(promoter, [counted])
        rows = tuple((invites[one.invite_id], one) for one in shown)
        return Detail(promoted, rows, names[-1] if len(newest) > INVITES else None, now)

    async def _counted(
        self,
        connection: Connection,
        promoter: Promoter,
        campaign_id: UUID,
        before: UUID | None,
        invites: int,
        now: datetime,
    ) -> Promoted | None:
        """Count a campaign, without what pricing knows."""
        names = promoter.platform_id, campaign_id, promoter.promoter_id
        campaign = await self._catalogue.current(connection, promoter.platform_id, campaign_id)
        if campaign is None:
            return None
        report = await report_newest(connection, *names, before, invites)
        rates = await shelf.list_rates(connection, *names)
        under_way = await shelf.sum_under_way(connection, *names) if rates else 0
        return Promoted(campaign, campaign.state(now), report, rates, Commission(), under_way)

    async def _settled(self, promoter: Promoter, counted: Sequence[Promoted]) -> list[Promoted]:
        """Add what pricing settled, where something is earned at all."""
        earning = [one.campaign.campaign_id for one in counted if one.rates]
        sums = await self._commissions(promoter.platform_id, promoter.promoter_id, earning) if earning else {}
        if sums is None:
            return [replace(one, settled=None) for one in counted]
        return [replace(one, settled=sums.get(one.campaign.campaign_id, Commission())) for one in counted]
