"""Every RPC, by two platforms, with valid, nearly valid and hostile requests: nothing breaks and nothing gets across.

make fuzz CALLS=1000000             # SEED=... for other calls, ONLY=... for one of them, at shops that are new
"""

import os
from typing import Any
from uuid import UUID

import psycopg
import pytest
from google.protobuf.descriptor import MethodDescriptor
from psycopg import sql

from deploy.check.runner import check_databases
from tests.support.database import Database
from tests.support.engine import an_engine
from tests.support.fuzzing import NORTH, SEASON, SOUTH, Fuzzer, Run
from tests.support.raw_door import Answer, every_door, grpc_door
from tests.support.rpcs import Server, a_server, methods, requests_by_name, stand
from tests.support.shops import Shop
from tests.support.told import tell
from tests.support.two_doors import two_doors

CALLS = int(os.environ.get("GROUPBUY_FUZZ_CALLS") or 50_000)
SEED = int(os.environ.get("GROUPBUY_FUZZ_SEED") or 20261121)
ONLY = os.environ.get("GROUPBUY_FUZZ_ONLY")
MOST_GROWTH = 400 * 1024 * 1024
"""Bytes by which the process may grow, client and servers in one, however many calls are made."""
MARKED = "SELECT count(*) FROM {} AS t WHERE platform_id = %s AND position(%s IN t::text) + position(%s IN t::text) > 0"


async def test_every_rpc_has_a_good_request(database: Database) -> None:
    async with a_server(database) as server:
        good = requests_by_name(await stand(server))
    assert set(good) == {method.input_type.full_name for method in methods()}


@pytest.mark.timeout(300 + CALLS // 50)
async def test_no_request_breaks_anything_or_brings_another_platforms_rows(database: Database) -> None:
    async with an_engine(database) as engine, two_doors(engine) as doors:
        server = Server(engine, dict(doors.channels))
        run = await Fuzzer(server, every_door(doors), SEED).play(CALLS, int(ONLY) if ONLY else None)
        tell("fuzz", told(run))
        assert not run.problems, "\n\n".join(run.problems)
        results = await check_databases(server.engine.urls, now=server.engine.formation.clock.now())
        broken = [
            f"{result.name}: {result.violations}, as {result.examples}" for result in results if result.violations
        ]
        assert not broken, f"seed {SEED}, {CALLS} calls:\n" + "\n".join(broken)
        found = await crossed(server)
        tell("fuzz", f"rows of a platform with the other's mark: {sum(found.values())}")
        assert found == {}
    assert run.growth < MOST_GROWTH
    if run.kinds.total() >= 20 * SEASON:
        assert run.rpcs == {method.full_name for method in methods()}
        assert len(run.accepted) >= 0.75 * len(run.rpcs)


async def test_what_gets_across_or_breaks_is_noticed_and_cut_down(database: Database) -> None:
    async with a_server(database) as server:
        real = grpc_door(server)

        async def door(method: MethodDescriptor, body: bytes, shop: Shop) -> Answer:
            if method.name == "GetTeam":
                return Answer("OK", "", (SOUTH if shop is NORTH else NORTH).mark.encode())
            if method.name == "ListTeams" and b"evil" in body:
                return Answer("INTERNAL", "INTERNAL", b"")
            return await real(method, body, shop)

        run = await Fuzzer(server, door, 7).play(SEASON)
        assert any("GetTeam" in one and "mark" in one and f"SEED={run.seed} ONLY=" in one for one in run.problems)
        broken = Fuzzer(server, door, 7)
        await broken.play(1, only=0)
        there = broken.call(0)
        [method] = [one for one in methods() if one.name == "ListTeams"]
        request: Any = requests_by_name(await stand(server, NORTH, "broken"))[method.input_type.full_name]
        request.opener_member_id = "evil"
        call = there._replace(shop=NORTH, method=method, body=request.SerializeToString(), request=request)
        shown = await broken.told(call, "answers INTERNAL")
        assert shown.splitlines()[2:] == ['opener_member_id: "evil"']
        async with server.engine.formation.database.work() as work:
            await work.connection.execute("UPDATE teams SET external_ref = external_ref || %s", (SOUTH.mark,))
        assert "team_formation.teams" in await crossed(server)


def told(run: Run) -> str:
    """Say what a run has counted."""
    calls = run.kinds.total()
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(run.kinds.items()))
    codes = ", ".join(f"{code} {count}" for code, count in run.codes.most_common())
    return (
        f"seed {run.seed}: {calls} calls of {len(run.rpcs)} RPCs in {run.seconds:.0f} s"
        f" ({1000 * run.seconds / max(calls, 1):.2f} ms each): {kinds}\n"
        f"answers: {codes}; {len(run.accepted)} RPCs said OK to something;"
        f" wrong answers and marks of the other platform: {len(run.problems)}\n"
        f"memory grew by {run.growth / 2**20:.0f} MiB to {max(run.resident) / 2**20:.0f} MiB"
    )


async def crossed(server: Server) -> dict[str, int]:
    """Count the rows of a platform that have the other's mark in any column, as text or in its bytes, by table."""
    found: dict[str, int] = {}
    for service, url in server.engine.urls.items():
        async with await psycopg.AsyncConnection.connect(url) as connection:
            tables = await connection.execute(
                "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
                " WHERE a.attname = 'platform_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            )
            for (table,) in await tables.fetchall():
                for platform, mark in ((NORTH.platform, SOUTH.mark), (SOUTH.platform, NORTH.mark)):
                    if count := await marked(connection, table, platform, mark):
                        found[f"{service}.{table}"] = found.get(f"{service}.{table}", 0) + count
    return found


async def marked(connection: psycopg.AsyncConnection[Any], table: str, platform: UUID, mark: str) -> int:
    """Count a platform's rows of a table that have a mark."""
    query = sql.SQL(MARKED).format(sql.Identifier(table))
    cursor = await connection.execute(query, (platform, mark, mark.encode().hex()))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
