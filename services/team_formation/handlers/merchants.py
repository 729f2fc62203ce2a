"""Tells the campaigns of a merchant that it is suspended, or no longer: each by the ordinary path, with an event."""

from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.team_formation import domain, store, translate
from services.team_formation.catalogue import Catalogue
from services.team_formation.store import merchants as shelf
from services.team_formation.store.merchants import MerchantSweep

MERCHANTS = 20
PAGE = 50
"""Campaigns of one merchant in one look."""


class MerchantSweeper:
    """Run by a timer: costs what has changed, and a look at an empty table where nothing has."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    async def run_once(self) -> int:
        """Tell the next campaigns of every merchant that has changed; returns how many."""
        async with self._database.read() as connection:
            sweeps = await shelf.find_merchant_sweeps(connection, MERCHANTS)
        return sum([await self._sweep(sweep) for sweep in sweeps])

    async def _sweep(self, sweep: MerchantSweep) -> int:
        async with self._database.read() as connection:
            now = self._clock.now(sweep.platform_id)
            campaigns = await shelf.list_campaigns_to_tell(connection, sweep, now, PAGE)
        for campaign_id in campaigns:
            await self._tell(sweep, campaign_id)
        if len(campaigns) < PAGE:
            async with self._database.work() as work:
                await shelf.end_merchant_sweep(work.connection, sweep)
        return len(campaigns)

    async def _tell(self, sweep: MerchantSweep, campaign_id: UUID) -> None:
        """Change one campaign to how its merchant stands now, whatever it was when it was listed."""
        async with self._database.work() as work:
            connection, platform_id = work.connection, sweep.platform_id
            await shelf.keep_platform(connection, platform_id)
            reason = await shelf.find_suspension(connection, platform_id, sweep.merchant_id)
            version = await store.lock_campaign(connection, platform_id, campaign_id)
            campaign = version and await self._catalogue.at(connection, platform_id, campaign_id, version)
            if not campaign:
                return
            now = self._clock.now(platform_id)
            decision = domain.change_campaign(campaign, {}, domain.TellOfMerchant(reason), now)
            if isinstance(decision, domain.Refusal):
                return
            await store.update_campaign(connection, decision.campaign, sweeps=decision.sweeps)
            await store.insert_change(connection, decision, "", "", now)
            work.tell(translate.campaign_changed(decision, "", now))
