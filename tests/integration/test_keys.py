"""Keys over their life: made with scopes, used, replaced with an overlap, taken back; by platforms and by operators."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import grpc
import pytest
from click.testing import CliRunner, Result
from google.protobuf.duration_pb2 import Duration
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import events_pb2, keys_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as tf

from deploy.cli import COMMANDS
from deploy.cli.group import LazyGroup
from services.chassis import platforms
from services.chassis.key_uses import KeyUses
from services.chassis.platforms import KeyRing, hash_secret
from services.team_formation.handlers.identity import MOST_KEYS
from services.team_formation.translate import time
from tests.support.database import Database
from tests.support.engine import KEY, SERVICE_KEY, an_engine, listening, relayed
from tests.support.formation import START
from tests.support.key_caller import Caller
from tests.support.rpcs import a_server
from tests.support.shops import a_campaign

ADMIN, READ = scope_pb2.SCOPE_ADMIN, scope_pb2.SCOPE_READ
A_DAY = timedelta(days=1)


@pytest.fixture
async def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    async with a_server(database) as server:
        yield Caller(server)


async def test_a_platform_makes_a_key_that_may_do_what_it_says(shop: Caller) -> None:
    made = await shop.create(READ, label="dashboard")
    assert made.secret.startswith(f"gbk_{made.key.key_id}_")
    assert (list(made.key.scopes), made.key.label, made.key.HasField("expires_at")) == ([READ], "dashboard", False)
    await shop.call("ListCampaigns", tf.ListCampaignsRequest(), made.secret)
    assert await shop.reason("CreateCampaign", a_campaign(), made.secret) == "SCOPE_MISSING"
    assert await shop.reason("ListKeys", keys_pb2.ListKeysRequest(), made.secret) == "SCOPE_MISSING"


async def test_a_key_is_shown_once_and_kept_nowhere(shop: Caller) -> None:
    request = keys_pb2.TeamFormationCreateKeyRequest(scopes=[ADMIN])
    made = await shop.call("CreateKey", request)
    again = await shop.call("CreateKey", request, again=True)
    assert (again.key, again.secret) == (made.key, "")
    secret = made.secret.rpartition("_")[2]
    formation = shop.server.engine.formation
    async with formation.database.read() as connection:
        names = await (
            await connection.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
            )
        ).fetchall()
        for (name,) in names:
            found = await connection.execute(
                f"SELECT count(*) FROM {name} AS t WHERE t::text LIKE %s OR t::text LIKE %s",  # noqa: S608 - names of tables
                (f"%{secret}%", f"%{secret.encode().hex()}%"),
            )
            assert await found.fetchone() == (0,), name


async def test_a_key_is_replaced_with_an_overlap(shop: Caller) -> None:
    clock = shop.server.engine.formation.clock
    old = await shop.create(READ, label="till")
    request = keys_pb2.RotateKeyRequest(key_id=old.key.key_id, overlap=Duration(seconds=3600))
    new = await shop.call("RotateKey", request)
    assert (list(new.key.scopes), new.key.label) == ([READ], "till")
    assert new.replaced.expires_at == time(START + timedelta(hours=1))
    assert (await shop.call("RotateKey", request, again=True)).secret == ""
    for key in (old.secret, new.secret):
        await shop.call("ListCampaigns", tf.ListCampaignsRequest(), key)
    clock.move(timedelta(hours=1))
    assert await shop.reason("ListCampaigns", tf.ListCampaignsRequest(), old.secret) == "KEY_EXPIRED"
    await shop.call("ListCampaigns", tf.ListCampaignsRequest(), new.secret)


async def test_a_key_that_expires_sooner_is_not_lengthened_by_an_overlap(shop: Caller) -> None:
    until = START + timedelta(minutes=5)
    old = await shop.create(READ, expires_at=time(until))
    request = keys_pb2.RotateKeyRequest(key_id=old.key.key_id, overlap=Duration(seconds=3600))
    assert (await shop.call("RotateKey", request)).replaced.expires_at == time(until)


async def test_keys_change_under_load_and_no_call_fails(shop: Caller) -> None:
    current = (await shop.create(READ)).secret
    failed: list[grpc.StatusCode] = []
    calls = 0
    stopping = asyncio.Event()

    async def call() -> None:
        nonlocal calls
        while not stopping.is_set():
            try:
                await shop.call("ListCampaigns", tf.ListCampaignsRequest(), current)
            except grpc.aio.AioRpcError as error:
                failed.append(error.code())
            calls += 1

    callers = [asyncio.create_task(call()) for _ in range(4)]
    for _ in range(5):
        key_id = current.split("_")[1]
        request = keys_pb2.RotateKeyRequest(key_id=key_id, overlap=Duration(seconds=60))
        current = (await shop.call("RotateKey", request)).secret
        await shop.call("ListCampaigns", tf.ListCampaignsRequest(), current)
    stopping.set()
    await asyncio.gather(*callers)
    assert (failed, calls > 5) == ([], True)


async def test_a_key_that_is_taken_back_is_refused(shop: Caller) -> None:
    made = await shop.create(READ)
    await shop.call("RevokeKey", keys_pb2.RevokeKeyRequest(key_id=made.key.key_id))
    assert await shop.reason("ListCampaigns", tf.ListCampaignsRequest(), made.secret) == "KEY_UNKNOWN"
    assert await shop.reason("RevokeKey", keys_pb2.RevokeKeyRequest(key_id=made.key.key_id)) == "KEY_NOT_FOUND"


async def test_a_platform_does_not_lock_itself_out(shop: Caller) -> None:
    assert await shop.reason("RevokeKey", keys_pb2.RevokeKeyRequest(key_id="shop")) == "LAST_ADMIN_KEY"
    await shop.create(READ)
    assert await shop.reason("RevokeKey", keys_pb2.RevokeKeyRequest(key_id="shop")) == "LAST_ADMIN_KEY"
    await shop.create(ADMIN, expires_at=time(START + A_DAY))
    assert await shop.reason("RevokeKey", keys_pb2.RevokeKeyRequest(key_id="shop")) == "LAST_ADMIN_KEY"
    other = await shop.create(ADMIN)
    await shop.call("RevokeKey", keys_pb2.RevokeKeyRequest(key_id="shop"))
    assert await shop.reason("ListCampaigns", tf.ListCampaignsRequest()) == "KEY_UNKNOWN"
    await shop.call("ListKeys", keys_pb2.ListKeysRequest(), other.secret)


async def test_what_is_no_key_is_refused_with_every_problem(shop: Caller) -> None:
    create, rotate = keys_pb2.TeamFormationCreateKeyRequest, keys_pb2.RotateKeyRequest
    for name, request in (
        ("CreateKey", create()),
        ("CreateKey", create(scopes=[scope_pb2.SCOPE_UNSPECIFIED])),
        ("CreateKey", create(scopes=[cast("scope_pb2.Scope.ValueType", 99)])),
        ("CreateKey", create(scopes=[READ], label="x" * 101)),
        ("CreateKey", create(scopes=[READ], expires_at=time(START))),
        ("RotateKey", rotate(key_id="shop", overlap=Duration(seconds=-1))),
        ("RotateKey", rotate(key_id="shop", overlap=Duration(seconds=91 * 86400))),
    ):
        assert await shop.reason(name, request) == "INVALID_ARGUMENT", request
    assert await shop.reason("RotateKey", rotate(key_id="nobody")) == "KEY_NOT_FOUND"
    for _ in range(MOST_KEYS - 1):
        await shop.create(READ)
    assert await shop.reason("CreateKey", create(scopes=[READ])) == "KEY_LIMIT"


async def test_an_expired_key_is_listed_for_a_month(shop: Caller) -> None:
    clock = shop.server.engine.formation.clock
    made = await shop.create(READ, expires_at=time(START + A_DAY))
    clock.move(timedelta(days=30))
    await shop.create(READ)
    assert made.key.key_id in {key.key_id for key in (await shop.call("ListKeys", keys_pb2.ListKeysRequest())).keys}
    clock.move(timedelta(days=2))
    await shop.create(READ)
    assert made.key.key_id not in {key.key_id for key in (await shop.call("ListKeys", keys_pb2.ListKeysRequest())).keys}


async def test_the_list_says_when_which_service_saw_a_key_last(shop: Caller) -> None:
    engine = shop.server.engine
    for database in (engine.formation.database, engine.notification.database):
        ring = KeyRing(database, engine.formation.clock)
        uses = KeyUses(database, ring)
        assert await uses.run_once() == 0
        await ring.grant(KEY)
        await ring.grant(KEY)
        assert await uses.run_once() == 1
        assert await uses.run_once() == 0
    listed = await shop.call("ListKeys", keys_pb2.ListKeysRequest())
    [key] = [key for key in listed.keys if key.key_id == "shop"]
    assert [use.service for use in key.uses] == ["notification", "team_formation"]
    assert list(listed.silent_services) == []


async def test_the_copies_learn_all_of_it_by_the_event(shop: Caller) -> None:
    made = await shop.create(READ, label="till", expires_at=time(START + A_DAY))
    told = [item for item in await relayed(shop.server.engine.formation.database) if item.topic == platforms.TOPIC]
    fact = events_pb2.PlatformEvent.FromString(told[-1].payload).platform_changed
    [key] = [key for key in fact.keys if key.key_id == made.key.key_id]
    assert (list(key.scopes), key.label, key.expires_at) == ([READ], "till", time(START + A_DAY))
    assert key.secret_hash == hash_secret(made.secret.rpartition("_")[2])


@pytest.fixture
async def groupbuy(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(platforms, "FRESH_SECONDS", 0)
    async with an_engine(database) as engine, listening(engine) as addresses:
        env = {f"GROUPBUY_{name.upper()}": address for name, address in addresses.items()}
        runner = CliRunner(env={**env, "GROUPBUY_SERVICE_KEY": SERVICE_KEY})

        async def run(*arguments: str) -> Result:
            return await asyncio.to_thread(runner.invoke, LazyGroup(COMMANDS), ["platform", *arguments])

        yield run


async def test_operators_manage_platforms_and_keys_on_the_command_line(groupbuy: Any) -> None:
    made = (await groupbuy("create", "Tea shop")).output
    platform = re.findall(r"platform (plat_\S+)", made)[0]
    first = re.findall(r"gbk_([0-9a-f]+)_", made)[0]
    made = (await groupbuy("keys", "create", platform, "--scope", "read", "--label", "till", "--expires", "30d")).output
    assert "cannot be shown again" in made
    [till] = re.findall(r"gbk_([0-9a-f]+)_", made)
    listed = (await groupbuy("keys", "list", platform)).output
    assert re.search(rf"gbk_{till}_\.\.\.  read  till  expires 20\S+Z  last used: never seen", listed)
    assert re.search(rf"gbk_{first}_\.\.\.  admin,campaigns,members,read  -  does not expire", listed)
    rotated = (await groupbuy("keys", "rotate", platform, till, "--overlap", "2h")).output
    assert re.search(rf"gbk_[0-9a-f]+_\w+\n\n.*{till} expires at 20\S+Z\.", rotated)
    assert (await groupbuy("keys", "revoke", platform, first)).output == f"{first} is revoked\n"
    assert first not in (await groupbuy("keys", "list", platform)).output
    assert "gbk_" in (await groupbuy("key", platform)).output
    wrong = await groupbuy("keys", "rotate", platform, till, "--overlap", "soon")
    assert (wrong.exit_code, "write 90s, 30m, 24h or 7d" in wrong.output) == (2, True)


async def test_operators_suspend_a_platform_with_a_reason_and_resume_it(groupbuy: Any) -> None:
    made = (await groupbuy("create", "Tea shop")).output
    platform = re.findall(r"platform (plat_\S+)", made)[0]
    await groupbuy("suspend", platform, "--reason", "The bill was not paid.")
    assert "suspended: The bill was not paid." in (await groupbuy("list")).output
    await groupbuy("resume", platform)
    assert "suspended" not in (await groupbuy("list")).output


async def test_operators_see_who_changed_what(groupbuy: Any) -> None:
    platform = re.findall(r"platform (plat_\S+)", (await groupbuy("create", "Tea shop")).output)[0]
    await groupbuy("suspend", platform, "--reason", "The bill was not paid.")
    lines = (await groupbuy("audit", platform, "--states")).output.splitlines()
    assert re.fullmatch(r"20\S+Z  SuspendPlatform  platform  by operator", lines[0])
    assert '"suspended": true' in lines[2]
    assert [line.split()[1] for line in lines[::3]] == ["SuspendPlatform", *["CreatePlatform"] * 3]
    assert "Nothing" in (await groupbuy("audit", platform, "--rpc", "PutChannel", "--since", "2026-01-01")).output


async def test_operators_suspend_a_merchant_and_resume_it(groupbuy: Any) -> None:
    platform = re.findall(r"platform (plat_\S+)", (await groupbuy("create", "Tea shop")).output)[0]
    said = (await groupbuy("merchants", "suspend", platform, "tea-co", "--reason", "It did not deliver.")).output
    assert said == "tea-co is suspended: It did not deliver.\n"
    assert re.search(
        r"tea-co  since 20\S+Z  It did not deliver\.", (await groupbuy("merchants", "list", platform)).output
    )
    await groupbuy("merchants", "resume", platform, "tea-co")
    assert "No merchant" in (await groupbuy("merchants", "list", platform)).output
