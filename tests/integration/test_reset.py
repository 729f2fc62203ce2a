"""A test twin that begins anew: its keys go on, all else of it is out of reach at once, and gone soon after."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import grpc
import pytest
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import sandbox_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as tf

from services.chassis import platforms
from services.chassis.database import Database
from services.chassis.inbox import Inbox
from services.chassis.platforms import on_platform_events
from services.chassis.twin_removal import LATE, REST, TwinRemoval
from services.chassis.twin_rows import NO_CAMPAIGN
from services.chassis.twins import twin_of
from services.team_formation.handlers.resetting import InviteRemover
from services.team_formation.rpc import sandbox
from tests.support.database import Database as MakeDatabase
from tests.support.engine import Engine, hear_of_platforms, records, relayed
from tests.support.formation import PLATFORM
from tests.support.key_caller import Caller
from tests.support.rpcs import Server, a_server, is_internal, methods, requests_by_name, stand
from tests.support.shops import SHOP, Shop, a_campaign, opening

FORMER, NEXT = twin_of(PLATFORM, 1), twin_of(PLATFORM, 2)
KEPT = {"platforms", "audit_entries"}


@pytest.fixture
async def shop(database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    monkeypatch.setattr(sandbox, "RESET_SECONDS", 0)
    async with a_server(database) as server:
        yield Caller(server)


async def test_a_reset_leaves_keys_and_limits_and_nothing_else(shop: Caller) -> None:
    key = (await shop.create(scope_pb2.SCOPE_ADMIN, test=True)).secret
    twin = Shop(FORMER, key, mark="-of-the-twin")
    engine = shop.server.engine
    await fill(shop.server, twin)
    await fill(shop.server, SHOP)
    await hear_of_platforms(engine)
    before = {name: await rows_of_others(database) for name, database in databases(engine).items()}
    held = {name: await rows_of_twin(database) for name, database in databases(engine).items()}
    assert {name: len(tables) > 10 for name, tables in held.items()} == dict.fromkeys(held, True), held

    request = sandbox_pb2.ResetTestPlatformRequest()
    await shop.call("ResetTestPlatform", request, key)
    await shop.call("ResetTestPlatform", request, key, again=True)
    assert list((await shop.call("ListCampaigns", tf.ListCampaignsRequest(), key)).campaigns) == []
    twin_now = await engine.formation.rows(
        "SELECT generation FROM platforms WHERE platform_id = %s AND retired_at IS NULL", NEXT
    )
    assert twin_now == [(2,)], "the same request begins anew once"
    await hear_of_platforms(engine)

    for _ in range(2):
        await remove(engine)
        engine.formation.clock.move(LATE + timedelta(seconds=1))
    await remove(engine)
    assert {name: await rows_of_twin(database) for name, database in databases(engine).items()} == {
        "team_formation": {}, "pricing": {}, "notification": {}
    }  # fmt: skip
    for name, database in databases(engine).items():
        after = await rows_of_others(database)
        # the request for the reset is the platform's own, as is its audit
        less = {table for table, count in before[name].items() if after.get(table, 0) < count}
        assert less == set(), name


async def test_what_comes_late_of_a_former_twin_has_no_effect(shop: Caller) -> None:
    key = (await shop.create(scope_pb2.SCOPE_ADMIN, test=True)).secret
    engine = shop.server.engine
    campaign = (await shop.call("CreateCampaign", a_campaign(), key)).campaign.campaign_id
    await shop.call("OpenTeam", opening(campaign, SHOP), key)
    late = await relayed(engine.formation.database)
    await shop.call("ResetTestPlatform", sandbox_pb2.ResetTestPlatformRequest(), key)
    told = await relayed(engine.formation.database)
    inbox = Inbox(engine.pricing.database, {platforms.TOPIC: on_platform_events})
    for _ in range(2):
        await inbox.apply(records(told, ("platform",)))
        await inbox.apply(records(late, ("platform",)))
    await engine.pricing.apply(records(late, ("campaign", "team")))
    assert len(records(late, ("campaign", "team"))) > 2
    assert set(await rows_of_twin(engine.pricing.database)) == {"inbox"}, "only how far the inbox is"
    async with engine.pricing.database.read() as connection:
        asked = "SELECT platform_id FROM platform_keys WHERE key_id = %s"
        found = await (await connection.execute(asked, (key.split("_")[1],))).fetchall()
    assert found == [(NEXT,)], "keys go on, in whichever order a service hears of both"
    clock = engine.formation.clock
    clock.move(LATE + timedelta(seconds=1))
    while await TwinRemoval(engine.pricing.database, clock).run_once():
        pass
    assert await rows_of_twin(engine.pricing.database) == {}


async def test_a_twin_that_was_given_up_is_looked_at_ever_less_often(shop: Caller) -> None:
    key = (await shop.create(scope_pb2.SCOPE_ADMIN, test=True)).secret
    await shop.call("ResetTestPlatform", sandbox_pb2.ResetTestPlatformRequest(), key)
    engine = shop.server.engine
    await hear_of_platforms(engine)
    database, clock = engine.pricing.database, engine.formation.clock
    removal, day = TwinRemoval(database, clock), timedelta(days=1)

    async def is_removed() -> bool:
        async with database.work() as work:
            await work.connection.execute(
                "INSERT INTO tally_waits (campaign_id, team_id, platform_id, team_version) VALUES (%s, %s, %s, 1)"
                " ON CONFLICT DO NOTHING",
                (NO_CAMPAIGN, FORMER, FORMER),
            )
        while await removal.run_once():
            pass
        return "tally_waits" not in await rows_of_twin(database)

    looked = []
    for wait in (timedelta(), LATE, REST, 3 * day, day, 3 * day, day):
        clock.move(wait)
        looked.append(await is_removed())
    assert looked == [True, True, True, True, False, True, False]


async def test_a_twin_that_cannot_be_removed_keeps_no_other_from_it(shop: Caller) -> None:
    engine, tried = shop.server.engine, list[UUID]()
    await shop.create(scope_pb2.SCOPE_ADMIN, test=True)
    for _ in range(2):
        key = (await shop.create(scope_pb2.SCOPE_ADMIN, test=True)).secret
        await shop.call("ResetTestPlatform", sandbox_pb2.ResetTestPlatformRequest(), key)

    async def fail(_connection: Any, twin: UUID, _campaigns: Sequence[UUID], _limit: int) -> int:
        tried.append(twin)
        raise RuntimeError(f"no {len(tried)}")

    removal = TwinRemoval(engine.formation.database, engine.formation.clock, fail)
    with pytest.raises(RuntimeError, match="no 1"):
        await removal.run_once()
    assert len(set(tried)) == 2


async def test_rows_of_a_real_platform_are_never_removed(shop: Caller) -> None:
    await stand(shop.server)
    engine = shop.server.engine
    async with engine.formation.database.work() as work:
        retire = "UPDATE platforms SET retired_at = created_at WHERE platform_id = %s"
        await work.connection.execute(retire, (PLATFORM,))
    with pytest.raises(ValueError, match="real platform"):
        await TwinRemoval(engine.formation.database, engine.formation.clock).run_once()


def databases(engine: Engine) -> dict[str, Database]:
    return {
        "team_formation": engine.formation.database,
        "pricing": engine.pricing.database,
        "notification": engine.notification.database,
    }


async def fill(server: Server, shop: Shop) -> None:
    """Have a shop make what it can in all services: a good call of every RPC."""
    await hear_of_platforms(server.engine)
    there = await stand(server, shop)
    good = requests_by_name(there)
    for number, method in enumerate(methods()):
        request: Any = good[method.input_type.full_name]
        if is_internal(method) or method.name in {"ResetTestPlatform", "EraseMember", "AdvanceClock"}:
            continue
        if "request_id" in method.input_type.fields_by_name:
            request.request_id = f"fill-{number}{shop.mark}"
        try:
            await server.call(method, request.SerializeToString(), shop.key)
        except grpc.aio.AioRpcError:
            continue  # some are refused by how things stand
    await server.engine.carry()


async def remove(engine: Engine) -> None:
    """Have every service remove what it can."""
    clock = engine.formation.clock
    first = InviteRemover(engine.formation.codes).run_once
    for removal in (
        TwinRemoval(engine.formation.database, clock, first),
        TwinRemoval(engine.pricing.database, clock),
        TwinRemoval(engine.notification.database, clock),
    ):
        while await removal.run_once():
            pass


async def rows_of_twin(database: Database) -> dict[str, int]:
    """Count the rows of the former twin in every table: by platform, by campaign, by invite and in the inbox."""
    async with database.read() as connection:
        tables = await (
            await connection.execute(
                "SELECT c.relname, array_agg(a.attname::text) FROM pg_class AS c JOIN pg_attribute AS a"
                " ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relkind = 'r' AND NOT c.relispartition"
                " AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname"
            )
        ).fetchall()
        found = {}
        for table, columns in tables:
            column = next((name for name in ("platform_id", "twin_id", "campaign_id") if name in columns), None)
            if column is None or table in KEPT:
                continue
            condition = f"{column} = %(twin)s"
            if column == "campaign_id":
                condition = "campaign_id NOT IN (SELECT campaign_id FROM campaigns WHERE platform_id <> %(twin)s)"
            query = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - names of tables
            [count] = await (await connection.execute(query.encode(), {"twin": FORMER})).fetchone() or [0]
            if count:
                found[table] = count
        return found


async def rows_of_others(database: Database) -> dict[str, int]:
    """Count all rows of every table that are not the former twin's."""
    own = await rows_of_twin(database)
    async with database.read() as connection:
        names = await (
            await connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace"
            )
        ).fetchall()
        return {
            name: (await (await connection.execute(f"SELECT count(*) FROM {name}".encode())).fetchone() or [0])[0]  # noqa: S608 - names of tables
            - own.get(name, 0)
            for (name,) in names
        }
