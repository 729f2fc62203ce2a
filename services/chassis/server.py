"""The gRPC server: our services behind the gate, health, reflection, and a drain that loses no call under way."""

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from services.chassis.gate import Entrance, Gate, caller
from services.chassis.health import Check, Health, Readiness
from services.chassis.limits import Limiter
from services.chassis.platforms import KeyRing
from services.chassis.tls import Listening

__all__ = ["LONGEST_CALL_SECONDS", "GrpcServer", "Servicer", "caller"]

LONGEST_CALL_SECONDS = 30.0

Add: TypeAlias = Callable[[Any, Any], None]
"""A generated function that adds an implementation to a server."""


LISTENERS = 8
"""So many of gRPC's servers listen at one port.

grpc.aio (1.85) takes a server's next call only when the event loop comes round again. What a flood brings would wait
there, before anything of ours can tell whose it is. The kernel spreads connections over the servers.
"""
_OPTIONS = [
    ("grpc.so_reuseport", 1),
    # A crowd that comes at once waits; gRPC alone would answer CANCELLED to most of a few thousand calls.
    ("grpc.server.max_pending_requests", 100_000 // LISTENERS),
    ("grpc.server.max_pending_requests_hard_limit", 200_000 // LISTENERS),
]


@dataclass(frozen=True, slots=True)
class Servicer:
    """One gRPC service: its full name, its implementation and the generated function that adds it to a server."""

    name: str
    implementation: object
    add: Add


class GrpcServer:
    """The part of a process that answers RPCs."""

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        listen: str,
        servicers: Sequence[Servicer],
        keys: KeyRing,
        *,
        service_key: str,
        drain_seconds: float,
        longest_call: float = LONGEST_CALL_SECONDS,
        connection_seconds: int = 0,
        tls: Listening | None = None,
        limits: Limiter | None = None,
        checks: Mapping[str, Check] | None = None,
    ) -> None:
        self._listen = listen
        self._tls = tls
        self.port = 0
        """The port that it listens on, once it has started."""
        self._drain_seconds = drain_seconds
        self._connection_seconds = connection_seconds
        self._health = Health(Readiness(checks or {}))
        self.servicers = servicers
        """What it answers for."""
        self.gate = Gate(keys, service_key, longest_call, limits)
        """What every call passes, at whatever door."""
        self._servers: list[grpc.aio.Server] = []

    async def start(self) -> None:
        """Begin to listen; OSError where the port is taken."""
        names = [servicer.name for servicer in self.servicers]
        host, _, port = self._listen.rpartition(":")
        if _is_taken(host, int(port)):
            raise self._cannot_listen()
        credentials = self._tls.credentials() if self._tls else None  # one for all, so that files are looked at once
        for _ in range(LISTENERS):
            server = grpc.aio.server(options=[*_OPTIONS, *self._ages()])
            self._add_servicers(server, names)
            try:
                self.port = _bind(server, f"{host}:{self.port or port}", credentials)
            except RuntimeError:
                raise self._cannot_listen() from None
            await server.start()
            self._servers.append(server)
        for name in ["", *names]:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def _ages(self) -> list[tuple[str, int]]:
        """Give the option that ends connections in order, a tenth sooner or later by chance; their streams go on."""
        age = self._connection_seconds
        return [("grpc.max_connection_age_ms", age * 1000)] if age else []

    def _cannot_listen(self) -> OSError:
        return OSError(f"cannot listen on {self._listen}: the port is taken or not ours; set GROUPBUY_LISTEN")

    def _add_servicers(self, server: grpc.aio.Server, names: list[str]) -> None:
        """Add ours behind the gate, and health and reflection, which are open to everybody."""
        gated, open_to_all = Entrance(server, self.gate.wrap), Entrance(server)
        for servicer in self.servicers:
            servicer.add(servicer.implementation, gated)
        described = reflection.aio.ReflectionServicer([*names, health.SERVICE_NAME, reflection.SERVICE_NAME])
        for implementation, add in (
            (self._health, health_pb2_grpc.add_HealthServicer_to_server),
            (described, reflection_pb2_grpc.add_ServerReflectionServicer_to_server),
        ):
            cast("Add", add)(implementation, open_to_all)

    async def stop(self) -> None:
        """Say that no new call is wanted, let those under way finish, then close."""
        if self._servers:
            await self._health.enter_graceful_shutdown()
            await asyncio.gather(*(server.stop(self._drain_seconds) for server in self._servers))


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    return server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)


def _is_taken(host: str, port: int) -> bool:
    """Tell whether somebody else listens at a port: what shares a port does not notice by itself."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
