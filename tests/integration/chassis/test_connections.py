"""Connections end in order after their age, so that clients find processes that were added; no call is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as pb_grpc

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.platforms import KeyRing
from services.chassis.server import GrpcServer, Servicer
from tests.kubernetes.scenes.goodbye import HELLO, goaway
from tests.support.until import until

SERVICE_KEY = "the services' own key"
KEY = (("authorization", f"Bearer {SERVICE_KEY}"),)
NAME = "groupbuy.team_formation.v1.TeamFormationInternal"


class Internal(pb_grpc.TeamFormationInternalServicer):
    """Remembers from where it was called, and answers while its gate is open."""

    def __init__(self) -> None:
        self.peers: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.server: GrpcServer

    async def ListPlatforms(  # noqa: N802
        self, _request: pb.ListPlatformsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListPlatformsResponse:
        self.peers.append(context.peer())
        await self.gate.wait()
        return pb.ListPlatformsResponse()


@asynccontextmanager
async def served(store: Database, seconds: int) -> AsyncIterator[tuple[Internal, Any]]:
    internal = Internal()  # type: ignore[abstract]  # what is missing is answered as unimplemented
    servicer = Servicer(NAME, internal, pb_grpc.add_TeamFormationInternalServicer_to_server)
    keys = KeyRing(store, Clock())
    server = GrpcServer(
        "127.0.0.1:0", [servicer], keys, service_key=SERVICE_KEY, drain_seconds=10, connection_seconds=seconds
    )
    internal.server = server
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield internal, pb_grpc.TeamFormationInternalStub(channel)
    finally:
        await server.stop()


@pytest.mark.parametrize("seconds", [1, 0])
async def test_a_channel_connects_anew_after_the_age_and_no_call_fails(store: Database, seconds: int) -> None:
    async with served(store, seconds) as (internal, stub):
        began = asyncio.get_running_loop().time()

        async def called() -> bool:
            await stub.ListPlatforms(pb.ListPlatformsRequest(), metadata=KEY)
            is_over = asyncio.get_running_loop().time() - began > 4
            return len(set(internal.peers)) > 2 if seconds else is_over

        await until(called)
        assert (len(set(internal.peers)) == 1) is (seconds == 0)


async def test_a_server_that_stops_says_so_on_every_connection_and_answers_what_it_was_asked(store: Database) -> None:
    async with served(store, 0) as (internal, stub):
        await stub.ListPlatforms(pb.ListPlatformsRequest(), metadata=KEY)
        reader, writer = await asyncio.open_connection("127.0.0.1", internal.server.port)
        writer.write(HELLO)
        internal.gate.clear()
        asked = asyncio.ensure_future(stub.ListPlatforms(pb.ListPlatformsRequest(), metadata=KEY))
        await until(lambda: len(internal.peers) == 2)
        stopping = asyncio.create_task(internal.server.stop())
        code, _ = await asyncio.wait_for(goaway(reader, writer), 10)
        internal.gate.set()
        await asked
        await stopping
        writer.close()
    assert code == 0
