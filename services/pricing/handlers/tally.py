"""Counts campaigns: sums up what batches of events have added since, and records the sum as a fact."""

from uuid import UUID

from services.chassis.database import Database
from services.pricing import domain, store, translate

PAGE = 100
"""Most campaigns of one look."""


class TallyFinder:
    """Run by a timer, whose pace is the most tallies a second that a campaign can have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """Count a page of campaigns that have something to count; returns how many."""
        async with self._database.read() as connection:
            found = await store.find_untallied(connection, PAGE)
        return sum([await self._tally(campaign_id) for campaign_id in found])

    async def _tally(self, campaign_id: UUID) -> int:
        """Count one campaign; another process may have done so a moment ago."""
        async with self._database.work() as work:
            seq = await store.lock_campaign(work.connection, campaign_id)
            taken = await store.take_differences(work.connection, campaign_id)
            if taken is None:
                return 0
            platform_id, at, counts = taken
            before = (await store.load_tallies(work.connection, [(campaign_id, seq)])).get((campaign_id, seq))
            if before:
                counts, at = before.counts.plus(counts), max(before.at, at)
            tally = domain.Tally(campaign_id, seq + 1, platform_id, at, counts)
            await store.insert_tally(work.connection, tally)
            work.tell(translate.tally_message(tally))
        return 1
