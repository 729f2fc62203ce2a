"""Who changed what: every RPC that sets something up leaves an entry, in its transaction, that nobody can change."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.descriptor import MethodDescriptor
from groupbuy.chassis.v1 import audit_pb2, scope_pb2
from groupbuy.notification.v1 import channels_pb2
from groupbuy.team_formation.v1 import audit_pb2 as listing_pb2
from groupbuy.team_formation.v1 import keys_pb2
from psycopg import AsyncConnection

from services.chassis import platforms, scopes
from tests.support.database import Database
from tests.support.engine import KEY, SERVICE_KEY
from tests.support.formation import START
from tests.support.key_caller import Caller
from tests.support.rpcs import Server, a_server, methods, methods_by_name, requests_by_name, stand
from tests.support.shops import SHOP, a_campaign

SETS_UP = {"admin", "campaigns"}
ENDING = ("Delete", "Revoke", "Cancel")
"""How RPCs begin that end what others need."""
NOT_NOTED = {
    "CancelTeam": "a team's own history tells it: its event, and the request that is stored",
    "SponsorTeam": "as CancelTeam",
    "ImportTeams": "the history of each team begins with it",
    "GetPromoterLink": "makes a link where there was none, and changes nothing else",
    "RevokePromoterLink": "a link of somebody, not a setting",
    "SendTestEvent": "posts something, and changes nothing",
    "RedriveWebhooks": "has something told again, and changes nothing",
    "ListKeys": "reads",
    "ListAuditEntries": "reads",
    "AdvanceClock": "of a test twin alone, whose clock tells it",
    "ResetTestPlatform": "of a test twin alone, which is another one since",
}
"""RPCs for those who set things up that leave no entry, and why."""


@pytest.fixture
async def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    async with a_server(database) as server:
        yield Caller(server)


async def entries(shop: Caller, **wanted: Any) -> list[audit_pb2.AuditEntry]:
    answer = await shop.call("ListAuditEntries", listing_pb2.ListAuditEntriesRequest(**wanted))
    return list(answer.entries)


async def made(server: Server, method: MethodDescriptor, request: Any, ids: dict[str, str]) -> None:
    """Call an RPC about what an earlier one has made; keep what this one makes."""
    for name, value in ids.items():
        if name in request.DESCRIPTOR.fields_by_name and name != "campaign_id":
            setattr(request, name, value)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = f"audited-{method.name}"
    answer = await server.call(method, request.SerializeToString(), KEY)
    if method.name == "PutWebhookEndpoint":
        ids["endpoint_id"] = answer.endpoint.endpoint_id
    if method.name == "CreateKey":
        ids["key_id"] = answer.key.key_id


async def test_every_rpc_that_sets_something_up_leaves_an_entry(shop: Caller) -> None:
    server = shop.server
    good: dict[str, Any] = dict(requests_by_name(await stand(server)))
    draft = a_campaign()
    draft.draft = True
    published = good["groupbuy.team_formation.v1.PublishCampaignRequest"]
    published.campaign_id = (await shop.call("CreateCampaign", draft)).campaign.campaign_id
    directed = good["groupbuy.team_formation.v1.DirectCampaignRequest"]
    directed.show_item.sku = "mango"
    rpcs = [method for method in methods() if scopes.of_method(method) in SETS_UP]
    assert NOT_NOTED.keys() - {method.name for method in rpcs} == set()
    ids: dict[str, str] = {}
    silent: list[str] = []
    noting = [method for method in rpcs if method.name not in NOT_NOTED]
    for method in sorted(noting, key=lambda method: method.name.startswith(ENDING)):
        before = len(await entries(shop, page_size=1000))
        try:
            await made(server, method, good[method.input_type.full_name], ids)
        except grpc.aio.AioRpcError as error:
            raise AssertionError(f"{method.name}: {error.details()}") from error
        noted = await entries(shop, page_size=1000)
        if len(noted) == before or noted[0].rpc != method.name:
            silent.append(method.name)
    assert silent == []
    assert len(noting) > 20


async def test_an_entry_says_who_what_and_how_it_was(shop: Caller) -> None:
    made_key = await shop.create(scope_pb2.SCOPE_ADMIN, label="tool")
    before = await entries(shop)
    request = keys_pb2.RevokeKeyRequest(key_id=made_key.key.key_id)
    await shop.call("RevokeKey", request)
    [revoked, created] = (await entries(shop))[:2]
    assert [created] == before[:1]
    assert (created.service, created.rpc, created.key_id) == ("team_formation", "CreateKey", "shop")
    assert (created.subject, created.before) == (f"key {made_key.key.key_id}", "")
    after = json.loads(created.after)
    assert (after["label"], after["scopes"]) == ("tool", ["SCOPE_ADMIN"])
    assert (revoked.rpc, revoked.request_id, revoked.after) == ("RevokeKey", request.request_id, "")
    assert json.loads(revoked.before) == after
    assert made_key.secret.rpartition("_")[2] not in str(await entries(shop))


async def test_all_services_are_one_list_page_by_page(shop: Caller) -> None:
    channel = methods_by_name()["groupbuy.notification.v1.Notification.PutChannel"]
    for number in range(4):
        await shop.create(scope_pb2.SCOPE_ADMIN, label=f"key {number}")
        request = channels_pb2.PutChannelRequest(channel="email", request_id=f"c-{number}")
        await shop.server.call(channel, request.SerializeToString(), KEY)
    everything = await entries(shop)
    assert [entry.service for entry in everything] == ["notification", "team_formation"] * 4
    paged: list[audit_pb2.AuditEntry] = []
    token = ""
    while True:
        asked = listing_pb2.ListAuditEntriesRequest(page_size=3, page_token=token)
        page = await shop.call("ListAuditEntries", asked)
        paged += page.entries
        token = page.next_page_token
        if not token:
            break
    assert paged == everything
    assert {entry.rpc for entry in await entries(shop, rpc="PutChannel")} == {"PutChannel"}
    assert len(await entries(shop, subject="channel email")) == 4
    assert len(await entries(shop, key_id="shop")) == 8
    assert await entries(shop, key_id="other") == await entries(shop, by_operators=True) == []
    at = everything[0].occurred_at
    assert len(await entries(shop, since=at)) == 8
    assert await entries(shop, until=at) == []


async def test_operators_have_no_key(shop: Caller) -> None:
    internal = methods_by_name()["groupbuy.team_formation.v1.TeamFormationInternal.CreateKey"]
    request = requests_by_name(await stand(shop.server))[internal.input_type.full_name]
    await shop.server.call(internal, request.SerializeToString(), SERVICE_KEY)
    [entry] = await entries(shop, by_operators=True)
    assert (entry.rpc, entry.key_id) == ("CreateKey", "")


async def test_a_service_that_is_away_is_no_empty_list(shop: Caller) -> None:
    async with await AsyncConnection.connect(shop.server.engine.urls["notification"]) as connection:
        await connection.execute("ALTER TABLE audit_entries RENAME TO gone")
    assert await shop.reason("ListAuditEntries", listing_pb2.ListAuditEntriesRequest()) == "UNAVAILABLE"


async def test_what_is_written_stays(shop: Caller) -> None:
    await shop.create(scope_pb2.SCOPE_ADMIN)
    url = shop.server.engine.urls["team_formation"]
    for statement in (
        "UPDATE audit_entries SET key_id = 'nobody'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ):
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            with pytest.raises(psycopg.errors.RaiseException, match="only added to"):
                await connection.execute(statement)
    old = START - timedelta(days=366 * 30)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        insert = (
            "INSERT INTO audit_entries SELECT platform_id, gen_random_uuid(), %s, rpc, key_id, request_id, subject,"
            " before, after FROM audit_entries LIMIT 1"
        )
        await connection.execute(insert, (old,))
        cursor = await connection.execute("DELETE FROM audit_entries WHERE occurred_at <= %s", (old,))
        assert cursor.rowcount == 1


async def test_a_change_that_did_not_happen_leaves_none(shop: Caller) -> None:
    assert await shop.reason("RevokeKey", keys_pb2.RevokeKeyRequest(key_id=SHOP.key.split("_")[1])) == "LAST_ADMIN_KEY"
    assert await entries(shop) == []
