"""Whether a process is alive, and whether it can work now: asked over HTTP (ops.py) or over gRPC.

Alive depends on the process alone: a database or a Kafka that is away is no reason to begin anew. Ready is every check.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from grpc_health.v1 import health, health_pb2

Check: TypeAlias = Callable[[], Awaitable[bool]]

LIVENESS = "liveness"
READINESS = "readiness"
"""What a probe of Kubernetes names as its gRPC service."""
_CHECK_SECONDS = 2.0

_Response: TypeAlias = health_pb2.HealthCheckResponse


class Readiness:
    """The checks of a process, by name; who adds to them later adds here."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def look(self) -> dict[str, bool]:
        """Ask every check; one that fails, or takes more than two seconds, is not passed."""
        return dict(zip(self._checks, await asyncio.gather(*map(_passes, self._checks.values())), strict=True))


class Health(health.aio.HealthServicer):
    """grpc.health.v1 that also answers for `liveness` and `readiness`."""

    def __init__(self, readiness: Readiness) -> None:
        super().__init__()
        self._readiness = readiness
        self._drains = False

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> _Response:  # noqa: N802 - its name
        """Answer a probe."""
        if request.service == LIVENESS:
            return _Response(status=_Response.SERVING)
        if request.service == READINESS:
            ready = not self._drains and all((await self._readiness.look()).values())
            return _Response(status=_Response.SERVING if ready else _Response.NOT_SERVING)
        answer: _Response = await super().Check(request, context)
        return answer

    async def enter_graceful_shutdown(self) -> None:
        """Say that nothing new is wanted; the process is alive all the same."""
        self._drains = True
        await super().enter_graceful_shutdown()


async def _passes(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), _CHECK_SECONDS)
    except Exception:  # noqa: BLE001 - whatever is wrong, it is not ready
        return False
