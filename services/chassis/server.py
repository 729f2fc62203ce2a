"""The gRPC server: keys, deadlines, errors, health, reflection, and a drain that loses no call under way."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from uuid import UUID

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from services.chassis import logs, metrics, trace
from services.chassis.errors import Rejected, Unavailable, invalid
from services.chassis.platforms import KeyRing
from services.chassis.status import status_of, transient

log = logs.logger(__name__)

LONGEST_CALL_SECONDS = 30.0

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_caller: ContextVar[UUID] = ContextVar("caller")
_OPEN = ("grpc.health.", "grpc.reflection.")
_INTERNAL = "Internal"


def caller() -> UUID:
    """Tell the platform that makes the call under way."""
    return _caller.get()


@dataclass(frozen=True, slots=True)
class Servicer:
    """One gRPC service: its full name, its implementation and the generated function that adds it to a server."""

    name: str
    implementation: object
    add: Callable[[Any, grpc.aio.Server], None]


class _Gate(grpc.aio.ServerInterceptor):
    """What every call passes: trace, key, deadline, error mapping, a metric, and a log line for what failed with us."""

    def __init__(self, keys: KeyRing, service_key: str, longest_call: float) -> None:
        self._keys = keys
        self._service_key = service_key
        self._longest_call = longest_call

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(details)
        if handler is None or details.method.startswith(tuple(f"/{name}" for name in _OPEN)):
            return handler
        metadata = dict(details.invocation_metadata)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(handler.unary_unary, details.method, metadata),
                _or_none(handler.request_deserializer),
                handler.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            self._stream(handler.unary_stream, details.method, metadata),
            _or_none(handler.request_deserializer),
            handler.response_serializer,
        )

    def _unary(self, behaviour: Any, method: str, metadata: dict[str, Any]) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with _answered(method, context):
                await self._enter(method, metadata, request)
                return await self._in_time(behaviour(request, context), context)

        return call

    def _stream(self, behaviour: Any, method: str, metadata: dict[str, Any]) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with _answered(method, context):
                await self._enter(method, metadata, request)
                async for response in behaviour(request, context):
                    yield response

        return call

    async def _enter(self, method: str, metadata: dict[str, Any], request: Any) -> None:
        await self._admit(method, metadata)
        if request is None:
            raise invalid("request", "its bytes are no such request, or a text in it is not UTF-8")

    async def _admit(self, method: str, metadata: dict[str, Any]) -> None:
        trace.enter(metadata.get(trace.HEADER))
        scheme, _, bearer = str(metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise Rejected("KEY_MISSING")
        if method.split("/")[1].endswith(_INTERNAL):
            if not self._service_key or not hmac.compare_digest(bearer.encode(), self._service_key.encode()):
                raise Rejected("KEY_UNKNOWN")
            return
        _caller.set(await self._keys.platform_of(bearer))

    async def _in_time(self, answer: Coroutine[Any, Any, Any], context: Context) -> Any:
        """Wait for an answer, for as long as a call may take; the caller's own deadline cancels it sooner."""
        left = cast("float | None", context.time_remaining())
        if left is not None and left <= 0:
            answer.close()
            raise Rejected("DEADLINE_PASSED")
        try:
            async with asyncio.timeout(self._longest_call):
                return await answer
        except TimeoutError:
            raise Unavailable(f"there was no answer within {self._longest_call:g} seconds") from None


def _or_none(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Read a request; None where its bytes are none, so that the answer is ours and not the library's."""

    def deserialize(raw: bytes) -> Any:
        try:
            return read(raw)
        except DecodeError:
            return None

    return deserialize


@asynccontextmanager
async def _answered(method: str, context: Context) -> AsyncIterator[None]:
    """Turn errors into answers, in this one place, and count the call by its code."""
    began, code = time.perf_counter(), "CANCELLED"
    try:
        yield
        code = "OK"
    except grpc.aio.AbortError:
        code = "ABORTED"
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
        status = rpc_status.to_status(status_of(_refusal(method, error)))
        code = status.code.name
        await context.abort_with_status(status)
    finally:
        metrics.RPC_SECONDS.labels(method, code).observe(time.perf_counter() - began)


def _refusal(method: str, error: Exception) -> Rejected:
    if isinstance(error, Rejected):
        return error
    cause = transient(error)
    if cause is not None:
        log.warning("call not answered", method=method, why=str(error).strip() or type(error).__name__)
        return Rejected("UNAVAILABLE", {"cause": cause})
    log.error("call failed", method=method, exc_info=error)
    return Rejected("INTERNAL", {"trace_id": trace.trace_id()})


class GrpcServer:
    """The part of a process that answers RPCs."""

    def __init__(
        self,
        listen: str,
        servicers: Sequence[Servicer],
        keys: KeyRing,
        *,
        service_key: str,
        drain_seconds: float,
        longest_call: float = LONGEST_CALL_SECONDS,
    ) -> None:
        self._listen = listen
        self.port = 0
        """The port that it listens on, once it has started."""
        self._drain_seconds = drain_seconds
        self._health = health.aio.HealthServicer()
        self._servicers = servicers
        self._gate = _Gate(keys, service_key, longest_call)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Begin to listen; OSError where the port is taken."""
        self._server = server = grpc.aio.server(interceptors=[self._gate], options=[("grpc.so_reuseport", 0)])
        for servicer in self._servicers:
            servicer.add(servicer.implementation, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = [servicer.name for servicer in self._servicers]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        try:
            self.port = server.add_insecure_port(self._listen)
        except RuntimeError:
            raise OSError(
                f"cannot listen on {self._listen}: the port is taken or not ours; set GROUPBUY_LISTEN"
            ) from None
        await server.start()
        for name in ["", *names]:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Say that no new call is wanted, let those under way finish, then close."""
        if self._server:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(self._drain_seconds)
