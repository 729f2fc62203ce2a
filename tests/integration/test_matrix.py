"""Every RPC, through every door, with every kind of key: generated from the descriptors, so that none is forgotten."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from importlib import import_module
from pathlib import Path

import groupbuy
import pytest
from google.protobuf.descriptor import ServiceDescriptor

from deploy.check.runner import check_databases
from tests.support.database import Database
from tests.support.doors import Door, grpc_door, json_door
from tests.support.engine import an_engine
from tests.support.formation import PLATFORM
from tests.support.matrix import (
    admission_problem,
    cases_of,
    isolation_problem,
    know_the_keys,
    names_anything,
    nobodys,
    refusal_problem,
)
from tests.support.rpcs import Server, methods, requests_by_name, stand
from tests.support.shops import SHOP, Shop
from tests.support.two_doors import TwoDoors, two_doors

DOORS: list[Callable[[Server, TwoDoors], Door]] = [
    lambda server, _doors: grpc_door(server),
    lambda _server, doors: json_door(doors),
]
"""A further door is one more function here."""
MARKED = Shop(PLATFORM, SHOP.key, "Qzj7")
AT_ONCE = 20
OF_THE_HOST = {"PutWeChatFile", "ListWeChatFiles", "DeleteWeChatFile"}
"""A file's name is one for the whole host: whoever comes second is told so, whoever it is."""
OF_THE_SECOND = {"GetQuotas"}
"""It names nothing, and counts what the last second had of calls."""

Counted = Callable[[str], None]


@pytest.fixture
async def doors(database: Database) -> AsyncIterator[TwoDoors]:
    async with an_engine(database) as engine, two_doors(engine) as served:
        await know_the_keys(engine)
        yield served


@pytest.fixture
def server(doors: TwoDoors) -> Server:
    return Server(doors.engine, dict(doors.channels))


@pytest.fixture(params=DOORS, ids=["gRPC", "JSON"])
def door(request: pytest.FixtureRequest, server: Server, doors: TwoDoors) -> Door:
    made: Door = request.param(server, doors)
    return made


async def problems(calls: Iterable[Awaitable[str | None]]) -> list[str]:
    """Make calls, some at once; what was wrong with their answers."""
    room = asyncio.Semaphore(AT_ONCE)

    async def made(call: Awaitable[str | None]) -> str | None:
        async with room:
            return await call

    return [problem for problem in await asyncio.gather(*map(made, calls)) if problem]


def services() -> list[ServiceDescriptor]:
    """List every service of any proto of ours."""
    root = Path(str(groupbuy.__file__)).parent
    names = [".".join(path.relative_to(root.parent).with_suffix("").parts) for path in root.rglob("*_pb2.py")]
    modules = [import_module(name) for name in sorted(names)]
    return [service for module in modules for service in module.DESCRIPTOR.services_by_name.values()]


def test_no_rpc_of_any_proto_is_left_out() -> None:
    served = {method.full_name for method in methods()}
    assert served == {method.full_name for service in services() for method in service.methods}


async def test_every_rpc_refuses_every_key_that_is_not_for_it(server: Server, door: Door, counted: Counted) -> None:
    good = requests_by_name(await stand(server, MARKED))
    assert good.keys() == {method.input_type.full_name for method in methods()}
    rpcs = [method for method in methods() if door.has(method)]
    asked = [(method, case) for method in rpcs for case in cases_of(method)]
    calls = (refusal_problem(door, method, good[method.input_type.full_name], case) for method, case in asked)
    assert await problems(calls) == []
    told = ", ".join(f"{name} {number}" for name, number in Counter(case.name for _, case in asked).items())
    counted(f"{door.name}: {len(rpcs)} RPCs x keys that are refused: {len(asked)} calls ({told})")


async def test_what_is_another_platforms_looks_like_what_is_nobodys(
    server: Server, door: Door, counted: Counted
) -> None:
    one = await stand(server, MARKED)
    none = nobodys(one)
    rpcs = [method for method in methods() if door.has(method)]
    naming = [method for method in rpcs if names_anything(method, one, none)]
    rpcs = [method for method in rpcs if method.name not in OF_THE_HOST | OF_THE_SECOND]
    found = [problem for method in rpcs if (problem := await isolation_problem(door, method, one, none))]
    assert not found, "\n".join(found)
    await server.engine.carry()
    results = await check_databases(server.engine.urls, now=server.engine.formation.clock.now())
    assert not [result for result in results if result.violations]
    counted(
        f"{door.name}: {len(rpcs)} RPCs asked by another platform, {len(naming)} with ids or words of the first:"
        f" {2 * len(rpcs)} calls, answers as for what nobody has"
    )


async def test_the_one_scope_that_an_rpc_names_is_enough_for_it(server: Server, door: Door, counted: Counted) -> None:
    good = requests_by_name(await stand(server, MARKED))
    rpcs = [method for method in methods() if door.has(method)]
    calls = (admission_problem(door, method, good[method.input_type.full_name]) for method in rpcs)
    assert await problems(calls) == []
    counted(f"{door.name}: {len(rpcs)} RPCs x the one scope that is needed: {len(rpcs)} calls let in")
