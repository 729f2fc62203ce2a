"""The benchmark's own gRPC client against the real server: answers, refusals, streams, requests above every window."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.bench.http2 import Connection, connect

SERVICE = "bench.Test"
LARGE = 200_000
"""Bytes: above a frame, a stream's first window and a connection's."""


class Handler(grpc.GenericRpcHandler):
    """Answers raw bytes: Size tells the request's length, Refuse refuses, Count streams numbers."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        method = details.method.rpartition("/")[2]
        if method == "Count":
            return grpc.unary_stream_rpc_method_handler(self.count)
        return grpc.unary_unary_rpc_method_handler(getattr(self, method.lower()))

    async def size(self, request: bytes, context: Any) -> bytes:
        assert dict(context.invocation_metadata())["authorization"] == "Bearer key"
        return str(len(request)).encode()

    async def refuse(self, request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "full: \N{MANGO} & 100 %")
        raise AssertionError("abort raises")

    async def count(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(int(request)):
            yield b"x" * number


@pytest.fixture
async def address() -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def opened(address: str, method: str) -> Connection:
    return await connect(address, f"/{SERVICE}/{method}", [("authorization", "Bearer key")])


async def answer(connection: Connection, request: bytes) -> tuple[str, bytes]:
    future: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()
    connection.call(request, lambda trouble, body: future.set_result((trouble, body)))
    return await asyncio.wait_for(future, 20)


async def test_calls_one_after_another_and_many_at_once(address: str) -> None:
    connection = await opened(address, "Size")
    assert await answer(connection, b"") == ("", b"0")
    sizes = [7, LARGE, 0, 16_384, 65_535, LARGE, 1]
    answers = await asyncio.gather(*(answer(connection, b"x" * size) for size in sizes))
    assert answers == [("", str(size).encode()) for size in sizes]
    connection.close()


async def test_a_refusal_is_told_with_its_words(address: str) -> None:
    connection = await opened(address, "Refuse")
    for _ in range(2):
        assert await answer(connection, b"x") == ("status 9: full: \N{MANGO} & 100 %", b"")
    connection.close()


async def test_a_stream_gives_its_messages_in_order(address: str) -> None:
    connection = await opened(address, "Count")
    told: list[int] = []
    ended = asyncio.Event()

    def done(trouble: str, _body: bytes) -> None:
        assert not trouble
        ended.set()

    connection.call(b"300", done, lambda raw: told.append(len(raw)))
    await asyncio.wait_for(ended.wait(), 20)
    assert told == list(range(300))
    connection.close()


async def test_calls_under_way_end_when_the_connection_does(address: str) -> None:
    connection = await opened(address, "Size")
    waiting = asyncio.ensure_future(answer(connection, b"x"))
    await asyncio.sleep(0)
    connection.close()
    assert (await waiting)[0].startswith("connection lost")
    assert (await answer(connection, b"x"))[0].startswith("no connection")
