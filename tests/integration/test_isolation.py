"""Each SQL statement of the services is restricted to one platform, or is named with the reason why it is not."""

import ast
import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import grpc
import pytest
from google.protobuf.message import Message
from psycopg import AsyncConnection

from deploy.check.runner import check_databases
from services.chassis import ids
from tests.support.database import Database, DatabaseServer
from tests.support.isolation.catalogue import tables_of
from tests.support.isolation.collecting import Collected, Statement, collect, collect_module
from tests.support.isolation.exceptions import IDS_IN_TEXT, UNREAD
from tests.support.isolation.judging import judge, stale
from tests.support.isolation.proving import Prover
from tests.support.isolation.sources import Level
from tests.support.isolation.watching import watching
from tests.support.rpcs import Server, a_server, methods, requests_by_name, stand
from tests.support.shops import OTHER_SHOP, SHOP, Shop, Standing, confirming, joining, opening
from tests.support.told import tell

SERVICES = ("team_formation", "pricing", "notification")

Provers = Mapping[str, Prover]


@pytest.fixture(scope="module")
def provers(database_server: DatabaseServer) -> Provers:
    async def read(service: str) -> Prover:
        url = database_server.database_url(await database_server.template(service))
        async with await AsyncConnection.connect(url) as connection:
            return Prover(await tables_of(connection, IDS_IN_TEXT))

    return {service: asyncio.run(read(service)) for service in SERVICES}


def test_every_statement_is_restricted_to_one_platform_or_named(provers: Provers) -> None:
    collected = collect()
    verdict = judge(collected.statements, provers)
    assert verdict.breaches == []
    assert set(collected.unread) == set(UNREAD)
    assert stale(verdict, collected.unread) == []
    assert verdict.counts["PLATFORM"] >= 200
    counts = verdict.counts
    tell(
        "isolation",
        f"{counts.total()} SQL statements: {counts['PLATFORM']} restricted by platform, {counts['KEY']} by a key,"
        f" {counts['GIVEN']} of no platform's rows, {counts['NOTHING']} named exceptions,"
        f" {len(collected.unread)} not read",
    )


LEVELS = {
    "SELECT seat_id FROM seats WHERE state = 'HELD'": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE member_id = %s": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE platform_id <> %s": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE platform_id = %s OR state = 'HELD'": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE NOT (platform_id = %s)": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE platform_id = platform_id": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE campaign_id > %s": Level.NOTHING,
    "SELECT %s = platform_id FROM seats": Level.NOTHING,
    "SELECT seat_id FROM seats HAVING platform_id = %s": Level.NOTHING,
    "SELECT s.seat_id FROM seats AS s LEFT JOIN teams AS t ON s.platform_id = %s": Level.NOTHING,
    "SELECT 1 FROM seats AS s LEFT JOIN teams AS t ON t.campaign_id = s.campaign_id AND t.platform_id = %s": (
        Level.NOTHING
    ),
    "SELECT 1 FROM seats AS s LEFT JOIN teams AS t ON t.campaign_id = s.campaign_id WHERE s.platform_id = %s": (
        Level.PLATFORM
    ),
    "SELECT 1 FROM seats AS s JOIN teams AS t USING (campaign_id, team_id) WHERE t.platform_id = %s": Level.PLATFORM,
    "SELECT 1 FROM seats AS s JOIN teams AS t USING (member_id) WHERE t.platform_id = %s": Level.NOTHING,
    "SELECT 1 FROM teams AS t JOIN seats AS s ON s.state = t.state WHERE t.platform_id = %s": Level.NOTHING,
    "SELECT (SELECT count(*) FROM seats) FROM teams AS t WHERE t.platform_id = %s": Level.NOTHING,
    "SELECT (SELECT count(*) FROM seats AS s WHERE s.campaign_id = t.campaign_id) FROM teams AS t"
    " WHERE t.platform_id = %s": Level.PLATFORM,
    "SELECT 1 FROM teams WHERE platform_id = %s AND EXISTS (SELECT FROM seats WHERE state = 'HELD')": Level.NOTHING,
    "WITH every AS (SELECT campaign_id, team_id FROM teams) SELECT 1 FROM seats AS s JOIN every USING (campaign_id)"
    " WHERE s.platform_id = %s": Level.NOTHING,
    "SELECT 1 FROM teams WHERE platform_id = %s UNION ALL SELECT 1 FROM teams": Level.NOTHING,
    "SELECT seat_id FROM seats WHERE campaign_id = %s AND team_id = %s": Level.KEY,
    "UPDATE seats SET state = 'HELD' WHERE campaign_id = %s AND team_id = %s": Level.KEY,
    "UPDATE seats SET state = 'HELD' WHERE state = 'WAITING'": Level.NOTHING,
    "DELETE FROM seats USING teams AS t WHERE t.platform_id = %s": Level.NOTHING,
    "DELETE FROM seats AS s USING teams AS t WHERE t.platform_id = %s AND s.campaign_id = t.campaign_id": (
        Level.PLATFORM
    ),
    "SELECT 1 FROM unnest(%s, %s) AS k (platform_id, seat_id) CROSS JOIN LATERAL (SELECT FROM seats AS n"
    " WHERE n.platform_id = k.platform_id AND n.seat_id = k.seat_id) AS s": Level.PLATFORM,
    "SELECT 1 FROM seats WHERE (campaign_id, seat_id) IN (SELECT * FROM unnest(%s, %s))": Level.KEY,
    "SELECT 1 FROM seats WHERE (campaign_id, seat_id) IN (SELECT campaign_id, seat_id FROM seats)": Level.NOTHING,
    "SELECT 1 FROM teams WHERE platform_id = ANY (%s)": Level.PLATFORM,
    "INSERT INTO share_templates (platform_id, channel, url) VALUES (%s, %s, %s)": Level.PLATFORM,
    "INSERT INTO share_templates (channel, url) VALUES (%s, %s)": Level.NOTHING,
    "INSERT INTO share_templates (platform_id, channel) SELECT platform_id, 'x' FROM teams": Level.NOTHING,
    "INSERT INTO wechat_files (platform_id, name) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET content = 'x'": (
        Level.NOTHING
    ),
}
"""Statements of team_formation that nobody wrote, and how far each is restricted."""


@pytest.mark.parametrize("statement", LEVELS)
def test_the_rule_knows_what_restricts_a_statement(provers: Provers, statement: str) -> None:
    found = provers["team_formation"].accesses(statement)
    assert min(access.level for access in found) is LEVELS[statement]


def test_no_row_may_be_given_to_another_platform(provers: Provers) -> None:
    with pytest.raises(ValueError, match="another platform"):
        provers["team_formation"].accesses("UPDATE teams SET platform_id = %s WHERE platform_id = %s")


PLANTED = '''
"""A store with statements that it should not have."""
ORDER = "ORDER BY seat_id"

async def of_a_member(connection, member_id):
    await connection.execute(f"SELECT seat_id FROM seats WHERE member_id = %s {ORDER}", (member_id,))

async def of_some(connection, platform_id, wanted):
    conditions = "platform_id = %s" if wanted else "true"
    await connection.execute(f"SELECT seat_id FROM seats WHERE {conditions}", (platform_id,))

async def of_whatever(connection, table):
    await connection.execute(f"SELECT 1 FROM {table}")
'''


def test_a_planted_statement_is_found_wherever_it_is_put_together(
    provers: Provers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted_store.py").write_text(PLANTED)
    monkeypatch.syspath_prepend(tmp_path)
    collected = Collected()
    collect_module("planted_store", ast.parse(PLANTED), collected)
    sys.modules.pop("planted_store")
    breaches = judge(collected.statements, {"team_formation": provers["team_formation"]}).breaches
    assert [item.split("py: ")[1].split(" ")[0] for item in breaches] == ["of_a_member", "of_some"]
    assert collected.unread == ["planted_store:of_whatever"]


def test_an_exception_is_for_its_function_and_tables_alone(provers: Provers) -> None:
    due = "team_formation.store.teams:find_due"
    planted = [Statement(due, 1, "SELECT 1 FROM seats"), Statement(due, 2, "SELECT 1 FROM teams")]
    verdict = judge(planted, provers)
    assert len(verdict.breaches) == 1
    assert "seats" in verdict.breaches[0]
    assert f"{due} teams" not in stale(verdict, UNREAD)
    assert "team_formation.store.invites:find_doors" in stale(verdict, UNREAD)


def keys_of(there: Standing) -> list[UUID | str]:
    """Give the keys of what stands at a shop, as they come to statements."""
    opaque = (there.campaign, there.team, there.seat, there.invite)
    shapes = (("camp", 1), ("team", 2), ("seat", 2), ("inv", 2))
    parsed = [ids.parse(prefix, text, count) for text, (prefix, count) in zip(opaque, shapes, strict=True)]
    assert all(parsed)
    return [*opaque, *{one for several in parsed for one in several or ()}]


async def told(server: Server, request: Message, shop: Shop) -> None:
    """Make a call, whatever the answer is."""
    [method] = [item for item in methods() if item.input_type is request.DESCRIPTOR]
    with suppress(grpc.aio.AioRpcError):
        await server.ask(method.full_name.removeprefix("groupbuy."), request, shop)


async def test_no_call_brings_another_platforms_key_to_a_statement_that_a_key_alone_restricts(
    database: Database, provers: Provers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_server(database) as server:
        own, others = await stand(server, SHOP), await stand(server, OTHER_SHOP)
        databases = {urlsplit(url).path[1:]: provers[service] for service, url in server.engine.urls.items()}
        with watching(monkeypatch, databases, keys_of(others)) as watched:
            for request in requests_by_name(replace(others, shop=SHOP)).values():
                await told(server, request, SHOP)
        with watching(monkeypatch, databases, keys_of(own)) as noticing:
            for request in requests_by_name(own).values():
                await told(server, request, SHOP)

    assert watched.breaches == []
    assert len(noticing.breaches) >= 10  # its own keys do come to such statements, and the watch sees them
    counts = watched.counts
    tell(
        "isolation",
        f"another platform's ids in every RPC: {counts.total()} statements, {counts['KEY']} restricted by a key,"
        f" {len(watched.breaches)} of them with such an id",
    )


async def test_who_names_another_platforms_campaign_leaves_no_trace_in_it(database: Database) -> None:
    async with a_server(database) as server:
        others = await stand(server, OTHER_SHOP)
        for request in (opening(others.campaign, SHOP), joining(others.code, SHOP), confirming(others.seat)):
            await told(server, request, SHOP)
        results = await check_databases(server.engine.urls, now=server.engine.formation.clock.now())
        found = await server.engine.formation.rows(
            "SELECT member_id, platform_id FROM campaign_members ORDER BY member_id"
        )
    assert not [result for result in results if result.violations]
    assert found == [(OTHER_SHOP.own(name), OTHER_SHOP.platform) for name in ("mei", "tom")]
