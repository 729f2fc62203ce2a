"""Doors to the engine as a stranger sees them: bytes of a request in, and all that comes back, to be looked through."""

import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import aiohttp
import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.chassis.gate import Entrance
from services.chassis.json_request import MOST_BYTES
from tests.support.engine import SERVICE_KEY
from tests.support.rpcs import Server, is_internal
from tests.support.shops import Shop
from tests.support.two_doors import TwoDoors

STREAM_SECONDS = 0.05
"""How long the first message of a stream is waited for."""
CALL_SECONDS = 60


class Answer(NamedTuple):
    """A code as gRPC names it, the reason of a refusal, and every byte that came back."""

    code: str
    reason: str
    raw: bytes


Door: TypeAlias = Callable[[MethodDescriptor, bytes, Shop], Awaitable[Answer]]


def grpc_door(server: Server) -> Door:
    """Give the door of gRPC. Of a stream the first message is read, and its silence is an answer: OK without bytes."""

    async def ask(method: MethodDescriptor, body: bytes, shop: Shop) -> Answer:
        service = method.containing_service.full_name
        channel: Any = server.channels[service]
        metadata = (("authorization", f"Bearer {SERVICE_KEY if is_internal(method) else shop.key}"),)
        path = f"/{service}/{method.name}"
        try:
            if not method.server_streaming:
                raw = await channel.unary_unary(path)(body, metadata=metadata, timeout=CALL_SECONDS)
                return Answer("OK", "", raw)
            stream = channel.unary_stream(path)(body, metadata=metadata, timeout=STREAM_SECONDS)
            first = await stream.read()
            stream.cancel()
            return Answer("OK", "", b"" if first is grpc.aio.EOF else first)
        except grpc.aio.AioRpcError as error:
            if method.server_streaming and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return Answer("OK", "", b"")
            return _refusal(error)

    return ask


def _refusal(error: grpc.aio.AioRpcError) -> Answer:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        detail.Unpack(info)
    raw = status.SerializeToString() if status else (error.details() or "").encode()
    return Answer(error.code().name, info.reason, raw)


def every_door(two: TwoDoors) -> Door:
    """Give all doors in one, told apart by a call's bytes.

    Of eight unary calls one goes over gRPC and one, where it is public, as JSON over HTTP. The others enter at the
    gate, by the handlers that the server has, without the network: 1.5 ms of a processor a call, with it 2.
    """
    by_grpc = grpc_door(Server(two.engine, dict(two.channels)))
    inside = _Inside(two)

    async def ask(method: MethodDescriptor, body: bytes, shop: Shop) -> Answer:
        way = zlib.crc32(body) % 8
        if way == 0 or method.server_streaming:
            return await by_grpc(method, body, shop)
        text = _as_json(method, body) if way == 1 and not is_internal(method) else None
        if text is None or len(text) > MOST_BYTES:  # the door closes a connection whose body it will not read
            return await inside.ask(method, body, shop)
        try:
            return await _posted(two, method, text, shop)
        except aiohttp.ClientConnectionError:  # one that was kept open and closed by the server meanwhile
            return await _posted(two, method, text, shop)

    return ask


async def _posted(two: TwoDoors, method: MethodDescriptor, text: bytes, shop: Shop) -> Answer:
    outcome = await two.posted(method, text, {"authorization": f"Bearer {shop.key}"})
    return Answer(outcome.code, outcome.reason, outcome.body)


class _Inside:
    """Calls the handlers of the gRPC server, as grpc.aio does, without a connection."""

    def __init__(self, two: TwoDoors) -> None:
        self._handlers: dict[str, Any] = {}
        for servicer, gate in two.gates.values():
            servicer.add(servicer.implementation, Entrance(cast("grpc.aio.Server", self), gate.wrap))

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Keep what Entrance adds to a server."""
        for handler in handlers:
            self._handlers[handler.service_name()] = handler

    async def ask(self, method: MethodDescriptor, body: bytes, shop: Shop) -> Answer:
        """Make a unary call."""
        service = method.containing_service.full_name
        context = _Context(SERVICE_KEY if is_internal(method) else shop.key, f"/{service}/{method.name}")
        handler = self._handlers[service].service(context)
        context.request = lambda: handler.request_deserializer(body)
        try:
            response = await handler.stream_unary(None, context)
        except grpc.aio.AbortError:
            status = context.status or status_pb2.Status()
            info = error_details_pb2.ErrorInfo()
            for detail in status.details:
                detail.Unpack(info)
            [code] = [item.name for item in grpc.StatusCode if item.value[0] == status.code]
            return Answer(code, info.reason, status.SerializeToString())
        return Answer("OK", "", handler.response_serializer(response))


class _Context:
    """What a handler asks of its call."""

    def __init__(self, bearer: str, method: str) -> None:
        self.method = method
        self.invocation_metadata = lambda: (("authorization", f"Bearer {bearer}"),)
        self.status: status_pb2.Status | None = None
        self.request: Callable[[], Any] = lambda: None

    async def read(self) -> Any:
        """Give the one request, read when it is asked for."""
        return self.request()

    def time_remaining(self) -> float:
        """A caller of ours waits so long."""
        return CALL_SECONDS

    async def abort_with_status(self, status: Any) -> None:
        """End the call by a refusal, whose details travel as bytes."""
        details = dict(status.trailing_metadata)["grpc-status-details-bin"]
        self.status = status_pb2.Status.FromString(details)
        raise grpc.aio.AbortError


def _as_json(method: MethodDescriptor, body: bytes) -> bytes | None:
    """Write a request as JSON; bytes that are none as they are, and None where JSON has no way to say it."""
    try:
        return json_format.MessageToJson(GetMessageClass(method.input_type).FromString(body), indent=None).encode()
    except DecodeError:
        return body
    except (ValueError, json_format.Error):
        return None  # a time before the year 1, for instance
