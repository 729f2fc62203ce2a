"""Follows the campaigns: the last state of each, and the price table of teams that open now."""

from services.chassis.messages import Event
from services.chassis.work import Work
from services.pricing import domain, store, translate
from services.pricing.handlers.tables import Key, Tables


class CampaignHandler:
    """The handler of groupbuy.campaign.v1."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def on_campaign_events(self, work: Work, events: list[Event]) -> None:
        """Keep the last state that a batch tells of each campaign, and every price table in it; Poison."""
        found = [translate.campaign(event) for event in events]
        await self._tables.find_or_store(work.connection, {_key(item): item.table for item in found})
        last = {item.campaign_id: item for item in found}
        await store.save_campaigns(work.connection, list(last.values()))


def _key(item: domain.Campaign) -> Key:
    return item.platform_id, item.campaign_id, item.table.ladder_version
