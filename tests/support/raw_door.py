"""Doors to the engine as a stranger sees them: bytes of a request in, and all that comes back, to be looked through."""

import zlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.support.engine import SERVICE_KEY
from tests.support.rpcs import Server, is_internal
from tests.support.shops import Shop
from tests.support.two_doors import TwoDoors

STREAM_SECONDS = 0.05
"""How long the first message of a stream is waited for."""
CALL_SECONDS = 60
JSON_ONE_IN = 8


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


def both_doors(two: TwoDoors) -> Door:
    """Give both doors in one: of the public unary calls one in eight, told by its bytes, goes as JSON over HTTP."""
    by_grpc = grpc_door(Server(two.engine, dict(two.channels)))

    async def ask(method: MethodDescriptor, body: bytes, shop: Shop) -> Answer:
        text = _as_json(method, body) if zlib.crc32(body) % JSON_ONE_IN == 0 else None
        if text is None or method.server_streaming or is_internal(method):
            return await by_grpc(method, body, shop)
        outcome = await two.posted(method, text, {"authorization": f"Bearer {shop.key}"})
        return Answer(outcome.code, outcome.reason, outcome.body)

    return ask


def _as_json(method: MethodDescriptor, body: bytes) -> bytes | None:
    """Write a request as JSON; bytes that are none as they are, and None where JSON has no way to say it."""
    try:
        return json_format.MessageToJson(GetMessageClass(method.input_type).FromString(body), indent=None).encode()
    except DecodeError:
        return body
    except (ValueError, json_format.Error):
        return None  # a time before the year 1, for instance
