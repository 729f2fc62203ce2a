"""One merchant is suspended with a reason, and the others of its platform sell on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from groupbuy.team_formation.v1 import events_pb2, merchants_pb2, types_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as tf

from deploy.check.runner import check_databases
from services.chassis import platforms
from services.team_formation.catalogue import Catalogue
from services.team_formation.handlers import MerchantSweeper, identity
from services.team_formation.handlers.merchants import PAGE
from tests.support.database import Database
from tests.support.engine import relayed
from tests.support.key_caller import Caller
from tests.support.rpcs import a_server
from tests.support.shops import SHOP, a_campaign, confirming, inviting, joining, opening

WHY = "It did not deliver what it sold."
MERCHANT = "merchant-7"


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Caller]:
    async with a_server(database) as server:
        yield Caller(server)


async def suspend(shop: Caller, merchant_id: str = MERCHANT, reason: str = WHY) -> None:
    await shop.call("SuspendMerchant", merchants_pb2.SuspendMerchantRequest(merchant_id=merchant_id, reason=reason))
    await swept(shop)


async def resume(shop: Caller, merchant_id: str = MERCHANT) -> None:
    await shop.call("ResumeMerchant", merchants_pb2.ResumeMerchantRequest(merchant_id=merchant_id))
    await swept(shop)


async def swept(shop: Caller) -> None:
    formation = shop.server.engine.formation
    sweeper = MerchantSweeper(formation.database, formation.clock, Catalogue())
    while await sweeper.run_once():
        pass
    assert await formation.rows("SELECT count(*) FROM merchant_sweeps") == [(0,)]


async def campaign_of(shop: Caller, merchant_id: str = MERCHANT, **more: Any) -> str:
    request = a_campaign()
    request.merchant_id = merchant_id
    request.MergeFrom(tf.CreateCampaignRequest(**more))
    return str((await shop.call("CreateCampaign", request)).campaign.campaign_id)


async def test_nobody_opens_or_joins_and_what_is_held_may_be_confirmed(shop: Caller) -> None:
    campaign = await campaign_of(shop)
    opened = await shop.call("OpenTeam", opening(campaign, SHOP))
    invite = (await shop.call("CreateInvite", inviting(opened.team.team_id, SHOP))).invite
    await suspend(shop)
    assert await shop.reason("OpenTeam", opening(campaign, SHOP)) == "MERCHANT_SUSPENDED"
    assert await shop.reason("JoinTeam", joining(invite.code, SHOP)) == "MERCHANT_SUSPENDED"
    await shop.call("ConfirmSeat", confirming(opened.seat.seat_id))
    await resume(shop)
    await shop.call("JoinTeam", joining(invite.code, SHOP))
    await shop.server.engine.carry()
    results = await check_databases(shop.server.engine.urls, now=shop.server.engine.formation.clock.now())
    assert not [result for result in results if result.violations]


async def test_no_campaign_of_it_is_made_published_or_resumed(shop: Caller) -> None:
    draft = await campaign_of(shop, draft=True)
    paused = await campaign_of(shop)
    await shop.call("PauseCampaign", tf.PauseCampaignRequest(campaign_id=paused))
    await suspend(shop)
    assert await shop.reason("CreateCampaign", a_campaign()) == "MERCHANT_SUSPENDED"
    assert await shop.reason("PublishCampaign", tf.PublishCampaignRequest(campaign_id=draft)) == "MERCHANT_SUSPENDED"
    assert await shop.reason("ResumeCampaign", tf.ResumeCampaignRequest(campaign_id=paused)) == "MERCHANT_SUSPENDED"
    await resume(shop)
    await shop.call("PublishCampaign", tf.PublishCampaignRequest(campaign_id=draft))
    await shop.call("ResumeCampaign", tf.ResumeCampaignRequest(campaign_id=paused))
    await shop.call("OpenTeam", opening(paused, SHOP))


async def test_no_campaign_of_it_is_resumed_from_the_answer_on(shop: Caller) -> None:
    paused = await campaign_of(shop)
    await shop.call("PauseCampaign", tf.PauseCampaignRequest(campaign_id=paused))
    await shop.call("SuspendMerchant", merchants_pb2.SuspendMerchantRequest(merchant_id=MERCHANT, reason=WHY))
    assert await shop.reason("ResumeCampaign", tf.ResumeCampaignRequest(campaign_id=paused)) == "MERCHANT_SUSPENDED"


async def test_other_merchants_sell_on(shop: Caller) -> None:
    other = await campaign_of(shop, "merchant-8")
    await suspend(shop)
    await shop.call("OpenTeam", opening(other, SHOP))
    await campaign_of(shop, "merchant-8")


async def test_whoever_has_the_campaign_has_the_reason(shop: Caller) -> None:
    campaign = await campaign_of(shop)
    await suspend(shop)
    found = (await shop.call("GetCampaign", tf.GetCampaignRequest(campaign_id=campaign))).campaign
    assert (found.state, found.suspension_reason) == (types_pb2.CAMPAIGN_STATE_PAUSED, WHY)
    listing = tf.ListCampaignsRequest(states=[types_pb2.CAMPAIGN_STATE_PAUSED])
    assert [item.campaign_id for item in (await shop.call("ListCampaigns", listing)).campaigns] == [campaign]
    [merchant] = (await shop.call("ListSuspendedMerchants", merchants_pb2.ListSuspendedMerchantsRequest())).merchants
    assert (merchant.merchant_id, merchant.reason) == (MERCHANT, WHY)
    await suspend(shop, reason="It is being looked into.")
    found = (await shop.call("GetCampaign", tf.GetCampaignRequest(campaign_id=campaign))).campaign
    assert found.suspension_reason == "It is being looked into."
    await resume(shop)
    found = (await shop.call("GetCampaign", tf.GetCampaignRequest(campaign_id=campaign))).campaign
    assert (found.state, found.suspension_reason) == (types_pb2.CAMPAIGN_STATE_RUNNING, "")
    changes = (await shop.call("ListCampaignChanges", tf.ListCampaignChangesRequest(campaign_id=campaign))).changes
    assert [events_pb2.CampaignAction.Name(item.action) for item in changes] == [
        "CAMPAIGN_ACTION_SUSPEND_MERCHANT",
        "CAMPAIGN_ACTION_SUSPEND_MERCHANT",
        "CAMPAIGN_ACTION_RESUME_MERCHANT",
    ]


async def test_the_platforms_event_and_each_campaigns_tell_it(shop: Caller) -> None:
    await campaign_of(shop)
    await suspend(shop)
    told = await relayed(shop.server.engine.formation.database)
    [changed] = [item for item in told if item.topic == platforms.TOPIC]
    fact = events_pb2.PlatformEvent.FromString(changed.payload).platform_changed
    assert [(item.merchant_id, item.reason) for item in fact.suspended_merchants] == [(MERCHANT, WHY)]
    assert fact.keys, "an event has the whole state"
    campaigns = [events_pb2.CampaignEvent.FromString(item.payload) for item in told if "campaign" in item.topic]
    assert campaigns[-1].campaign_changed.campaign.suspension_reason == WHY


async def test_many_campaigns_are_told_page_by_page_and_once(shop: Caller) -> None:
    for _ in range(PAGE + 3):
        await campaign_of(shop)
    await suspend(shop)
    await suspend(shop)
    rows = "SELECT count(*), max(sequence) FROM campaigns WHERE suspension_reason <> ''"
    assert await shop.server.engine.formation.rows(rows) == [(PAGE + 3, 2)]


async def test_what_cannot_be_suspended_is_refused(shop: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "MOST_SUSPENDED_MERCHANTS", 3)
    request = merchants_pb2.SuspendMerchantRequest
    for wrong in (request(reason=WHY), request(merchant_id="m"), request(merchant_id="m", reason="x" * 201)):
        assert await shop.reason("SuspendMerchant", wrong) == "INVALID_ARGUMENT"
    for number in range(3):
        await shop.call("SuspendMerchant", request(merchant_id=f"m{number}", reason=WHY))
    assert await shop.reason("SuspendMerchant", request(merchant_id="one more", reason=WHY)) == "MERCHANT_LIMIT"
    await shop.call("SuspendMerchant", request(merchant_id="m1", reason="Another reason."))
    await shop.call("ResumeMerchant", merchants_pb2.ResumeMerchantRequest(merchant_id="nobody"))
