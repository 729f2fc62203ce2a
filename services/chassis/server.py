"""The gRPC server: keys, deadlines, errors, health, reflection, and a drain that loses no call under way."""

import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from services.chassis import logs, metrics, trace
from services.chassis.errors import Rejected
from services.chassis.platforms import KeyRing
from services.chassis.status import status_of, transient

log = logs.logger(__name__)

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
    """What every call passes: trace, key, error mapping, one metric and one log line for what failed on our side."""

    def __init__(self, keys: KeyRing, service_key: str) -> None:
        self._keys = keys
        self._service_key = service_key

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
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            self._stream(handler.unary_stream, details.method, metadata),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _unary(self, behaviour: Any, method: str, metadata: dict[str, Any]) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            began, code = time.perf_counter(), "OK"
            try:
                await self._enter(method, metadata)
                return await behaviour(request, context)
            except Exception as error:  # noqa: BLE001 - the one place where errors become answers
                status = _status(method, error)
                code = status.code.name
                await context.abort_with_status(status)
            finally:
                metrics.RPC_SECONDS.labels(method, code).observe(time.perf_counter() - began)

        return call

    def _stream(self, behaviour: Any, method: str, metadata: dict[str, Any]) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                await self._enter(method, metadata)
                async for response in behaviour(request, context):
                    yield response
            except Exception as error:  # noqa: BLE001 - the one place where errors become answers
                await context.abort_with_status(_status(method, error))

        return call

    async def _enter(self, method: str, metadata: dict[str, Any]) -> None:
        trace.enter(metadata.get(trace.HEADER))
        scheme, _, bearer = str(metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise Rejected("KEY_MISSING")
        if method.split("/")[1].endswith(_INTERNAL):
            if not self._service_key or not hmac.compare_digest(bearer.encode(), self._service_key.encode()):
                raise Rejected("KEY_UNKNOWN")
            return
        _caller.set(await self._keys.platform_of(bearer))


def _status(method: str, error: Exception) -> grpc.Status:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    return rpc_status.to_status(status_of(_refusal(method, error)))


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
        self, listen: str, servicers: Sequence[Servicer], keys: KeyRing, *, service_key: str, drain_seconds: float
    ) -> None:
        self._listen = listen
        self.port = 0
        """The port that it listens on, once it has started."""
        self._drain_seconds = drain_seconds
        self._health = health.aio.HealthServicer()
        self._servicers = servicers
        self._gate = _Gate(keys, service_key)
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
