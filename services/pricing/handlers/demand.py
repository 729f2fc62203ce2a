"""Keeps the last demand of each campaign, to be asked for."""

from datetime import UTC
from uuid import UUID

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.chassis.work import Work
from services.pricing import store, translate


async def on_demand_events(work: Work, events: list[Event]) -> None:
    """Store what was counted; Poison for ids that are none. One statement for the batch."""
    rows = {row[0]: row for row in map(_row, events)}  # in order: the last of a campaign stays
    await store.save_demand(work.connection, list(rows.values()))


def _row(event: Event) -> store.DemandRow:
    said = event.read_as(events_pb2.DemandEvent)
    campaign = _id(event, translate.CAMPAIGN, said.campaign_id)
    platform = _id(event, translate.PLATFORM, said.platform_id)
    return campaign, platform, event.sequence, said.occurred_at.ToDatetime(tzinfo=UTC), event.record.value


def _id(event: Event, prefix: str, text: str) -> UUID:
    found = ids.parse(prefix, text, 1)
    if found is None:
        raise Poison(event.event_id, f"no id of kind {prefix}: {text!r}")
    return found[0]
