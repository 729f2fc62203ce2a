"""Every RPC with hostile input: whatever is sent, the answer is the engine's own, and nothing breaks."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from deploy.check.runner import check_databases
from services.chassis.reasons import reasons
from tests.support.database import Database
from tests.support.hostile import Damager
from tests.support.rpcs import Server, a_server, good_requests, methods

CALLS = 4000
AT_ONCE = 25
SEED = 20261121
MOST_BYTES = 4 * 1024 * 1024
"""Of a request: what gRPC takes where nothing else is said."""
ANSWERS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
}


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    async with a_server(database) as running:
        yield running


async def problem(server: Server, method: MethodDescriptor, body: bytes, shown: object) -> str | None:
    """Make a call; say what is wrong with its answer, if anything is."""
    try:
        await server.call(method, body)
    except grpc.aio.AioRpcError as error:
        if method.server_streaming and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return None
        if len(body) > MOST_BYTES and error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return None  # gRPC itself refuses it, before any of ours sees it
        status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
        info = error_details_pb2.ErrorInfo()
        for detail in status.details if status else ():
            detail.Unpack(info)
        if error.code() not in ANSWERS or info.reason not in reasons():
            return f"{method.full_name} answers {error.code().name} {error.details()!r:.300} to {shown!s:.600}"
    return None


async def test_every_rpc_has_an_answer_of_its_own_for_hostile_input(server: Server) -> None:
    good, words = await good_requests(server)
    rpcs = methods()
    assert set(good) == {method.input_type.full_name for method in rpcs}
    damager = Damager(SEED, words)
    room = asyncio.Semaphore(AT_ONCE)

    async def hostile(number: int) -> str | None:
        method = rpcs[number % len(rpcs)]
        request: Any = damager.damaged(good[method.input_type.full_name])
        if method.name == "SuspendPlatform" and request.platform_id in words:
            request.platform_id = "plat_"  # or no other call would come further than its key
        if "request_id" in method.input_type.fields_by_name:
            request.request_id = f"hostile-{number if number % 7 else 0}"
        async with room:
            return await problem(server, method, request.SerializeToString(), request)

    found = await asyncio.gather(*(hostile(number) for number in range(CALLS)))
    assert not [item for item in found if item]
    await server.engine.carry()
    results = await check_databases(server.engine.urls, now=server.engine.formation.clock.now())
    assert not [result for result in results if result.violations]


async def test_bytes_that_are_no_request_are_answered_too(server: Server) -> None:
    good, words = await good_requests(server)
    damager = Damager(SEED + 1, words)
    room = asyncio.Semaphore(AT_ONCE)

    async def broken(method: MethodDescriptor) -> str | None:
        body = damager.cut(good[method.input_type.full_name])
        async with room:
            return await problem(server, method, body, body)

    found = await asyncio.gather(*(broken(method) for method in methods() * 20))
    assert not [item for item in found if item]
