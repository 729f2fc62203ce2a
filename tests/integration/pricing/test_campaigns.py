"""Pricing's copy of campaigns: the last state of each, whatever comes twice or late, and the tables of its prices."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.chassis.messages import Record, headers, message
from tests.support.pricing import PricingService
from tests.support.teams import START, TeamLife, price_table

TOPIC = "groupbuy.campaign.v1"
PLATFORM, CAMPAIGN = uuid4(), uuid4()
RUNNING = types_pb2.CAMPAIGN_STATE_RUNNING
PAUSED = types_pb2.CAMPAIGN_STATE_PAUSED


def campaign_event(
    version: int, ladder_version: int = 1, state: types_pb2.CampaignState.ValueType = RUNNING, hours: int = 24
) -> events_pb2.CampaignEvent:
    """Write what team_formation tells of a campaign at a version."""
    event = events_pb2.CampaignEvent(
        event_id=str(ids.derived_id(CAMPAIGN, version)),
        platform_id=ids.opaque("plat", PLATFORM),
        sequence=version,
        campaign_id=ids.opaque("camp", CAMPAIGN),
    )
    event.occurred_at.FromDatetime(START)
    item = event.campaign_created.campaign if version == 1 else event.campaign_changed.campaign
    item.campaign_id, item.merchant_id, item.currency = event.campaign_id, "orchard", "EUR"
    item.state, item.version = state, version
    item.starts_at.FromDatetime(START)
    item.ends_at.FromDatetime(START + timedelta(hours=hours))
    item.price_table.CopyFrom(price_table(ladder_version=ladder_version))
    return event


def record(event: events_pb2.CampaignEvent) -> Record:
    told = message(TOPIC, event.campaign_id, event)
    return Record(TOPIC, told.key, told.payload, tuple(headers(told)))


async def copies(pricing: PricingService) -> list[tuple[UUID, UUID, str, int, int, str, datetime, str]]:
    rows = await pricing.rows("SELECT * FROM campaigns")
    names = ("campaign_id", "platform_id", "merchant_id", "version", "ladder_version", "currency", "ends_at", "state")
    return [tuple(row[name] for name in names) for row in rows]


async def test_the_last_state_of_a_batch_is_kept_with_every_table(pricing: PricingService) -> None:
    events = [campaign_event(1), campaign_event(2, ladder_version=2), campaign_event(3, 2, PAUSED, hours=48)]
    await pricing.apply([record(event) for event in events])
    end = (START + timedelta(hours=48)).astimezone(UTC)
    assert await copies(pricing) == [(CAMPAIGN, PLATFORM, "orchard", 3, 2, "EUR", end, "PAUSED")]
    assert await pricing.rows("SELECT ladder_version FROM price_tables ORDER BY 1") == [
        {"ladder_version": 1},
        {"ladder_version": 2},
    ]


async def test_what_comes_again_changes_nothing(pricing: PricingService) -> None:
    records = [record(campaign_event(1)), record(campaign_event(2, 2, PAUSED))]
    await pricing.apply(records)
    before = await pricing.state()
    await pricing.apply(records)
    await pricing.apply(records[:1])
    assert await pricing.state() == before


async def test_a_team_finds_the_table_that_its_campaign_brought(pricing: PricingService) -> None:
    life = TeamLife(platform=PLATFORM)
    life.open("mei")
    life.confirm("mei")
    life.form()
    await pricing.apply(life.records)
    await pricing.settle()
    alone = await pricing.state()
    await pricing.empty()
    event = campaign_event(1)
    event.campaign_id = event.campaign_created.campaign.campaign_id = ids.opaque("camp", life.campaign)
    await pricing.apply([record(event), *life.records])
    await pricing.settle()
    assert await pricing.parked() == {}
    assert {**await pricing.state(), "campaigns": []} == alone


def other_campaign(event: events_pb2.CampaignEvent) -> None:
    event.campaign_created.campaign.campaign_id = ids.opaque("camp", uuid4())


def no_platform(event: events_pb2.CampaignEvent) -> None:
    event.platform_id = "acme"


def no_state(event: events_pb2.CampaignEvent) -> None:
    event.campaign_created.campaign.state = types_pb2.CAMPAIGN_STATE_UNSPECIFIED


def no_prices(event: events_pb2.CampaignEvent) -> None:
    event.campaign_created.campaign.price_table.ClearField("rows")


def no_role(event: events_pb2.CampaignEvent) -> None:
    event.campaign_created.campaign.price_table.rows[0].role = ladder_pb2.ROLE_UNSPECIFIED


@pytest.mark.parametrize("twist", [other_campaign, no_platform, no_state, no_prices, no_role])
async def test_what_makes_no_sense_is_parked(
    pricing: PricingService, twist: Callable[[events_pb2.CampaignEvent], None]
) -> None:
    event = campaign_event(1)
    twist(event)
    await pricing.apply([record(event)])
    assert list(await pricing.parked()) == [event.campaign_id]
    assert await copies(pricing) == []
