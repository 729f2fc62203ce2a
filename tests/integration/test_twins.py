"""Test twins of platforms: how they come to be, whose keys are good for what, what they share with their platform."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import audit_pb2, keys_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal
from groupbuy.team_formation.v1 import team_formation_service_pb2 as tf

from services.chassis import ids, platforms
from services.chassis.twins import is_test, twin_of
from tests.support.database import Database
from tests.support.engine import SERVICE_KEY
from tests.support.formation import PLATFORM
from tests.support.key_caller import Caller
from tests.support.rpcs import a_server, methods_by_name
from tests.support.shops import a_campaign

ADMIN, READ = scope_pb2.SCOPE_ADMIN, scope_pb2.SCOPE_READ
LIVE = ids.opaque(platforms.ID_PREFIX, PLATFORM)


@pytest.fixture
async def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    async with a_server(database) as server:
        yield Caller(server)


async def operate(shop: Caller, name: str, request: Any) -> Any:
    method = methods_by_name()[f"groupbuy.team_formation.v1.TeamFormationInternal.{name}"]
    return await shop.server.call(method, request.SerializeToString(), SERVICE_KEY)


async def campaigns(shop: Caller, key: str) -> list[str]:
    listed = await shop.call("ListCampaigns", tf.ListCampaignsRequest(), key)
    return [item.campaign_id for item in listed.campaigns]


async def test_a_platform_makes_keys_of_its_twin_and_what_is_done_by_them_is_the_twins_alone(shop: Caller) -> None:
    test = await shop.create(ADMIN, label="trial", test=True)
    assert test.secret.startswith(f"gbt_{test.key.key_id}_")
    live = await shop.create(ADMIN)
    assert live.secret.startswith("gbk_")
    mine = (await shop.call("CreateCampaign", a_campaign(), test.secret)).campaign.campaign_id
    real = (await shop.call("CreateCampaign", a_campaign(), live.secret)).campaign.campaign_id
    assert (await campaigns(shop, test.secret), await campaigns(shop, live.secret)) == ([mine], [real])
    request = tf.GetCampaignRequest(campaign_id=mine)
    assert await shop.reason("GetCampaign", request, live.secret) == "CAMPAIGN_UNKNOWN"
    request = tf.GetCampaignRequest(campaign_id=real)
    assert await shop.reason("GetCampaign", request, test.secret) == "CAMPAIGN_UNKNOWN"


async def test_a_key_of_one_never_passes_for_one_of_the_other(shop: Caller) -> None:
    test = await shop.create(ADMIN, test=True)
    live = await shop.create(ADMIN)
    for wrong in (test.secret.replace("gbt_", "gbk_"), live.secret.replace("gbk_", "gbt_")):
        assert await shop.reason("ListCampaigns", tf.ListCampaignsRequest(), wrong) == "KEY_UNKNOWN"


async def test_keys_of_a_twin_are_managed_by_its_platform_and_by_itself(shop: Caller) -> None:
    first = await shop.create(ADMIN, test=True)
    second = await shop.call("CreateKey", keys_pb2.TeamFormationCreateKeyRequest(scopes=[READ]), first.secret)
    assert second.secret.startswith("gbt_"), "a twin's key makes keys of the twin"
    listed = await shop.call("ListKeys", keys_pb2.ListKeysRequest(test=True))
    assert {key.key_id for key in listed.keys} == {first.key.key_id, second.key.key_id}
    own = await shop.call("ListKeys", keys_pb2.ListKeysRequest(), first.secret)
    assert {key.key_id for key in own.keys} == {first.key.key_id, second.key.key_id}
    assert {key.key_id for key in (await shop.call("ListKeys", keys_pb2.ListKeysRequest())).keys} == {"shop"}
    request = keys_pb2.RevokeKeyRequest(key_id=second.key.key_id)
    assert await shop.reason("RevokeKey", request) == "KEY_NOT_FOUND"
    new = await shop.call("RotateKey", keys_pb2.RotateKeyRequest(key_id=second.key.key_id, test=True))
    assert new.secret.startswith("gbt_")
    await shop.call("RevokeKey", keys_pb2.RevokeKeyRequest(key_id=first.key.key_id, test=True))
    assert await shop.reason("ListCampaigns", tf.ListCampaignsRequest(), first.secret) == "KEY_UNKNOWN"


async def test_a_twin_shares_its_platforms_suspension_and_limits(shop: Caller) -> None:
    test = await shop.create(ADMIN, test=True)
    await operate(shop, "SuspendPlatform", internal.SuspendPlatformRequest(platform_id=LIVE, reason="unpaid"))
    assert await shop.reason("ListCampaigns", tf.ListCampaignsRequest(), test.secret) == "PLATFORM_SUSPENDED"
    await operate(shop, "ResumePlatform", internal.ResumePlatformRequest(platform_id=LIVE))
    assert await campaigns(shop, test.secret) == []
    limits = internal.SetPlatformLimitsRequest(platform_id=LIVE)
    limits.limits.campaigns = 3
    await operate(shop, "SetPlatformLimits", limits)
    async with shop.server.engine.formation.database.read() as connection:
        twin = await platforms.find_platform(connection, twin_of(PLATFORM, 1))
    assert twin
    assert (twin.limits, twin.suspended, twin.sequence) == ({"campaigns": 3}, False, 4)


async def test_who_runs_the_engine_makes_both_at_once_and_sees_which_is_whose(shop: Caller) -> None:
    made = await operate(shop, "CreatePlatform", internal.CreatePlatformRequest(name="Corner shop"))
    assert (made.key[:4], made.test_key[:4]) == ("gbk_", "gbt_")
    more = await operate(shop, "CreateKey", internal.CreateKeyRequest(platform_id=made.platform_id, test=True))
    for key in (made.key, made.test_key, more.key):
        assert await campaigns(shop, key) == []
    listed = (await operate(shop, "ListPlatforms", internal.ListPlatformsRequest())).platforms
    [one] = [item for item in listed if item.platform_id == made.platform_id]
    [live_id] = ids.parse(platforms.ID_PREFIX, made.platform_id, 1) or ()
    assert one.test_platform_id == ids.opaque(platforms.ID_PREFIX, twin_of(live_id, 1))
    assert list(one.key_ids) == [made.key.split("_")[1]]
    assert list(one.test_key_ids) == sorted(key.split("_")[1] for key in (made.test_key, more.key))
    assert not any(is_test((ids.parse(platforms.ID_PREFIX, item.platform_id, 1) or ())[0]) for item in listed)


async def test_the_platforms_audit_tells_who_made_a_key_of_its_twin(shop: Caller) -> None:
    test = await shop.create(ADMIN, test=True)
    entries = (await shop.call("ListAuditEntries", audit_pb2.ListAuditEntriesRequest())).entries
    assert [(item.rpc, item.subject, item.key_id) for item in entries] == [
        ("CreateKey", f"test key {test.key.key_id}", "shop")
    ]


async def test_what_is_refused_of_a_twin_that_is_not_there_yet_begins_none(shop: Caller) -> None:
    unknown = keys_pb2.RevokeKeyRequest(key_id="nobodys", test=True)
    assert await shop.reason("RevokeKey", unknown) == "KEY_NOT_FOUND"
    await operate(shop, "SuspendPlatform", internal.SuspendPlatformRequest(platform_id=LIVE, reason="unpaid"))
    await operate(shop, "ResumePlatform", internal.ResumePlatformRequest(platform_id=LIVE))
    await shop.create(ADMIN, test=True)
    async with shop.server.engine.formation.database.read() as connection:
        told = await connection.execute(
            "SELECT sequence FROM outbox WHERE aggregatetype = %s AND aggregateid = %s ORDER BY position",
            (platforms.TOPIC, LIVE),
        )
        assert [sequence for (sequence,) in await told.fetchall()] == [2, 3, 4], "the suspension, its end, the twin"
