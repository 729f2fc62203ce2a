"""The three services behind both doors, and calls of any RPC by its descriptor through either."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.chassis.database import Database
from services.chassis.gate import Gate
from services.chassis.json_door import JsonDoor, json_server
from services.chassis.platforms import KeyRing
from services.chassis.server import GrpcServer, Servicer
from tests.support import engine as engines
from tests.support.engine import FILES, KEY, SERVICE_KEY, Engine
from tests.support.rpcs import Server

BEARER = {"authorization": f"Bearer {KEY}"}


def public_methods() -> list[MethodDescriptor]:
    """List every RPC that platforms call, streams too."""
    services = [service for module in FILES for service in module.DESCRIPTOR.services_by_name.values()]
    return [method for service in services if not service.name.endswith("Internal") for method in service.methods]


@dataclass(frozen=True)
class Outcome:
    """What came of a call: the code's name, and the answer or the refusal."""

    code: str
    answer: Message | None = None
    status: status_pb2.Status | None = None
    http_status: int = 0
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    """Of an answer over HTTP."""

    @property
    def reason(self) -> str:
        """The reason of a refusal; empty where there is none."""
        return str(self._detail(error_details_pb2.ErrorInfo()).reason)

    @property
    def metadata(self) -> dict[str, str]:
        """What belongs to the reason."""
        return dict(self._detail(error_details_pb2.ErrorInfo()).metadata)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The fields at fault, with what is wrong."""
        violations = self._detail(error_details_pb2.BadRequest()).field_violations
        return [(item.field, item.description) for item in violations]

    def _detail(self, kind: Any) -> Any:
        for detail in self.status.details if self.status else ():
            detail.Unpack(kind)
        return kind


@dataclass
class TwoDoors(Server):
    """Calls RPCs of a running engine at either door."""

    bases: Mapping[str, str]
    """The address of the door of JSON, by the service's full name."""
    http: aiohttp.ClientSession
    gates: Mapping[str, tuple[Servicer, Gate]]
    """What answers behind both doors, by the service's full name."""

    async def by_grpc(
        self, method: MethodDescriptor, request: Message, metadata: Mapping[str, str] = BEARER
    ) -> Outcome:
        """Make a unary call over gRPC; what came of it."""
        try:
            call = self._unary(method)(request.SerializeToString(), metadata=tuple(metadata.items()), timeout=30)
            return Outcome("OK", await call)
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
            return Outcome(error.code().name, status=status)

    async def by_json(
        self, method: MethodDescriptor, request: Message, metadata: Mapping[str, str] = BEARER
    ) -> Outcome:
        """Make a unary call as JSON; what came of it."""
        body = json_format.MessageToJson(request, indent=None).encode()
        return await self.posted(method, body, metadata)

    async def posted(self, method: MethodDescriptor, body: bytes, metadata: Mapping[str, str] = BEARER) -> Outcome:
        """Post bytes as the body of a call; what came of it."""
        name = method.containing_service.full_name
        headers = {"content-type": "application/json", **metadata}
        address = f"{self.bases[name]}/{name}/{method.name}"
        async with self.http.post(address, data=body, headers=headers) as response:
            return outcome_of(response.status, await response.read(), response.headers, method)

    def _unary(self, method: MethodDescriptor) -> Any:
        name = method.containing_service.full_name
        read = GetMessageClass(method.output_type).FromString
        return self.channels[name].unary_unary(f"/{name}/{method.name}", response_deserializer=read)


def outcome_of(
    http_status: int, body: bytes, headers: Mapping[str, str], method: MethodDescriptor | None = None
) -> Outcome:
    """Read an answer of the door of JSON; a refusal is read strictly as google.rpc.Status."""
    if http_status == 200 and method:
        answer = json_format.Parse(body, GetMessageClass(method.output_type)())
        return Outcome("OK", answer, None, http_status, headers, body)
    status = json_format.Parse(body, status_pb2.Status())
    [code] = [item.name for item in grpc.StatusCode if item.value[0] == status.code]
    return Outcome(code, None, status, http_status, headers, body)


@asynccontextmanager
async def two_doors(engine: Engine) -> AsyncIterator[TwoDoors]:
    """Serve every RPC of an engine at both doors."""
    async with AsyncExitStack() as stack:
        formation = engine.formation
        for database in (formation.database, engine.pricing.database, engine.notification.database):
            await engines.know_the_platforms(database, formation.clock)
        channels: dict[str, grpc.aio.Channel] = {}
        bases: dict[str, str] = {}
        gates: dict[str, tuple[Servicer, Gate]] = {}
        for database, group in await engines._servicers(engine, stack):
            every = engines._with_chassis(database, group)
            channel, base, gate = await stack.enter_async_context(_served(database, formation.clock, every))
            channels |= {servicer.name: channel for servicer in every}
            bases |= {servicer.name: base for servicer in every}
            gates |= {servicer.name: (servicer, gate) for servicer in every}
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield TwoDoors(engine, channels, bases, http, gates)


@asynccontextmanager
async def _served(database: Database, clock: Any, group: Any) -> AsyncIterator[tuple[grpc.aio.Channel, str, Gate]]:
    keys = KeyRing(database, clock)
    measured = engines._limiter(database)
    server = GrpcServer("127.0.0.1:0", group, keys, service_key=SERVICE_KEY, drain_seconds=1, limits=measured)
    await server.start()
    http = json_server("127.0.0.1:0", JsonDoor(group, server.gate), 1)
    await http.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel, f"http://127.0.0.1:{http.port}", server.gate
    await http.stop()
    await server.stop()
