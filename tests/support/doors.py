"""The doors that a call can come in by, each behind one function, so that a test of calls holds for all of them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.support.rpcs import Server, is_internal
from tests.support.two_doors import TwoDoors

STREAM_SECONDS = 2.0
"""For the first of a stream to come: one that is refused must have the time for it."""


@dataclass(frozen=True)
class Said:
    """What a door answered."""

    code: str
    """Of gRPC, whatever the door; a stream that was open until the caller ended it is OK."""
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    """The message of a refusal."""
    answer: Message | None = None
    """What was answered, the first of a stream."""


@dataclass(frozen=True)
class Door:
    """One door: its name, the RPCs that it has, and a call with what stands behind "Bearer", or without any key."""

    name: str
    has: Callable[[MethodDescriptor], bool]
    call: Callable[[MethodDescriptor, Message, str | None], Awaitable[Said]]


def grpc_door(server: Server) -> Door:
    """Make the door of gRPC."""

    async def call(method: MethodDescriptor, request: Message, bearer: str | None) -> Said:
        try:
            return Said("OK", answer=await _answer(server, method, request, bearer))
        except grpc.aio.AioRpcError as error:
            if method.server_streaming and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return Said("OK")
            return said_of(error)

    return Door("gRPC", lambda _method: True, call)


def json_door(server: TwoDoors) -> Door:
    """Make the door of JSON: it has the unary calls of platforms."""

    async def call(method: MethodDescriptor, request: Message, bearer: str | None) -> Said:
        metadata = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        outcome = await server.by_json(method, request, metadata)
        text = outcome.status.message if outcome.status else ""
        return Said(outcome.code, outcome.reason, outcome.metadata, text, outcome.answer)

    return Door("JSON", lambda method: not method.server_streaming and not is_internal(method), call)


async def _answer(server: Server, method: MethodDescriptor, request: Message, bearer: str | None) -> Any:
    metadata = () if bearer is None else (("authorization", f"Bearer {bearer}"),)
    path = f"/{method.containing_service.full_name}/{method.name}"
    read = GetMessageClass(method.output_type).FromString
    channel: Any = server.channels[method.containing_service.full_name]
    body = request.SerializeToString()
    if not method.server_streaming:
        unary = channel.unary_unary(path, response_deserializer=read)
        return await unary(body, metadata=metadata, timeout=30)
    stream = channel.unary_stream(path, response_deserializer=read)(body, metadata=metadata, timeout=STREAM_SECONDS)
    first = await stream.read()
    stream.cancel()
    return None if first is grpc.aio.EOF else first


def said_of(error: grpc.aio.AioRpcError) -> Said:
    """Read what a failed call was answered."""
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what a call has
    for detail in status.details if status else ():
        detail.Unpack(info)
    return Said(error.code().name, info.reason, dict(info.metadata), error.details() or "")
