"""Counts campaigns: sums up what batches of events have added since, and records the sum as a fact.

Where the whole campaign fills the ladder, the new sum moves its prices, by one event however many teams it has, and
fixes the final prices of teams that have formed since.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from psycopg import IntegrityError

from services.chassis import logs
from services.chassis.database import Connection, Database
from services.chassis.work import Work
from services.pricing import domain, store, translate
from services.pricing.handlers.tables import Tables

PAGE = 100
"""Most campaigns of one look."""

log = logs.logger(__name__)


class TallyFinder:
    """Run by a timer, whose pace is the most tallies a second that a campaign can have."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database = database
        self._tables = tables

    async def run_once(self) -> int:
        """Count a page of campaigns that have something to count; returns how many."""
        async with self._database.read() as connection:
            found = await store.find_untallied(connection, PAGE)
        return sum([await self._tally_safely(*key) for key in found])

    async def _tally_safely(self, platform_id: UUID, campaign_id: UUID) -> int:
        """Count; a campaign that cannot be counted stands, and the campaigns behind it do not."""
        try:
            return await self._tally(platform_id, campaign_id)
        except (ValueError, KeyError, IntegrityError) as problem:
            log.error("tally stands", campaign=str(campaign_id), why=str(problem).strip())  # noqa: TRY400 - enough
            return 0

    async def _tally(self, platform_id: UUID, campaign_id: UUID) -> int:
        """Count one campaign; another process may have done so a moment ago."""
        async with self._database.work() as work:
            seq, price_sequence = await store.lock_campaign(work.connection, platform_id, campaign_id)
            before = (await store.load_tallies(work.connection, [(campaign_id, seq)])).get((campaign_id, seq))
            tally = await _next(work.connection, campaign_id, seq, before)
            if tally is None:
                return 0
            facts = await self._tell_prices(work, before, tally, price_sequence)
            await store.insert_tally(work.connection, tally)
            await store.save_head(work.connection, tally, price_sequence + facts)
            if tally.fixed:
                await _fix_teams(work.connection, tally)
            work.tell(translate.tally_message(tally))
        return 1

    async def _tell_prices(
        self, work: Work, before: domain.Tally | None, tally: domain.Tally, price_sequence: int
    ) -> int:
        """Tell which prices of the whole campaign moved or are about to; returns how many events that makes."""
        old_fill = before.fill if before else 0
        if old_fill == tally.fill:
            return 0
        tables = await self._tables_of(work.connection, tally.campaign_id)
        facts = domain.campaign_price_facts(tables, old_fill, tally.fill, price_sequence)
        by_version = {table.ladder_version: table for table in tables}
        for fact in facts:
            work.tell(translate.campaign_price_message(fact, tally, by_version[fact.ladder_version]))
        return len(facts)

    async def _tables_of(self, connection: Connection, campaign_id: UUID) -> Sequence[domain.PriceTable]:
        keys = await store.list_campaign_tables(connection, campaign_id)
        wanted = [(platform_id, campaign_id, version) for platform_id, version in keys]
        return list((await self._tables.find(connection, wanted)).values()) if wanted else []


async def _next(
    connection: Connection, campaign_id: UUID, seq: int, before: domain.Tally | None
) -> domain.Tally | None:
    """Make the next tally; None where there is nothing to count and nobody waits."""
    # first who waits, then what is to be counted: so the tally contains the end of each team that it fixes
    fixed = tuple(await store.find_waiting(connection, campaign_id, domain.MOST_FIXED))
    taken = await store.take_differences(connection, campaign_id)
    if taken is None:
        return replace(before, seq=seq + 1, fixed=fixed) if before and fixed else None
    platform_id, at, counts = taken
    if before:
        counts, at = before.counts.plus(counts), max(before.at, at)
    return domain.Tally(campaign_id, seq + 1, platform_id, at, counts, fixed)


async def _fix_teams(connection: Connection, tally: domain.Tally) -> None:
    teams = await store.lock_teams(connection, sorted((tally.campaign_id, team.team_id) for team in tally.fixed))
    await store.save_teams(connection, [domain.fix(team, tally) for team in teams.values()])
    await store.insert_fixes(connection, tally)
    await store.end_waiting(connection, tally)
