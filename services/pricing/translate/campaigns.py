"""Reads the events of campaigns into values; what cannot be read is poison."""

from datetime import UTC
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.chassis.errors import Poison
from services.chassis.messages import Event
from services.pricing import domain
from services.pricing.translate.words import CAMPAIGN, PLATFORM, READ_COUPON_ORDERS, read_price_table

CAMPAIGN_TOPIC = "groupbuy.campaign.v1"
_STATES = {types_pb2.CampaignState.Value(f"CAMPAIGN_STATE_{state}"): state for state in domain.CampaignState}


def campaign(event: Event) -> domain.Campaign:
    """Read the whole campaign that each of its events carries; Poison where it makes no sense."""
    try:
        found = _read(event.read_as(events_pb2.CampaignEvent))
    except (KeyError, ValueError, OverflowError) as problem:
        raise Poison(event.event_id, f"cannot be read: {problem}") from problem
    if wrong := domain.table_problem(found.table):
        raise Poison(event.event_id, wrong)
    return found


def _read(message: events_pb2.CampaignEvent) -> domain.Campaign:
    fact: Any = getattr(message, message.WhichOneof("fact") or "")
    item: types_pb2.Campaign = fact.campaign
    campaign_id = _id(CAMPAIGN, message.campaign_id)
    if _id(CAMPAIGN, item.campaign_id) != campaign_id:
        raise ValueError("campaign_id is not that of the campaign it carries")
    return domain.Campaign(
        campaign_id,
        _id(PLATFORM, message.platform_id),
        item.merchant_id,
        message.sequence,
        item.starts_at.ToDatetime(tzinfo=UTC),
        item.ends_at.ToDatetime(tzinfo=UTC),
        _STATES[item.state],
        read_price_table(item.price_table),
        READ_COUPON_ORDERS[item.coupon_order],
    )


def _id(prefix: str, text: str) -> UUID:
    found = ids.parse(prefix, text, 1)
    if found is None:
        raise ValueError(f"{text or 'empty'} is no id that begins with {prefix}")
    return found[0]
