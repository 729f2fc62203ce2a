"""The small HTTP server for operators: /healthz (alive), /readyz (can work now), /metrics (Prometheus)."""

import os
from collections.abc import Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.chassis.health import Check, Readiness
from services.chassis.settings import split_address
from services.chassis.tls import Listening

PROCESS_HEADER = "x-process-id"
"""Which process answers a readiness check: whoever started one can tell it from another on the same port."""


class OpsServer:
    """Answers on one address; readiness is every check by name, liveness depends on nothing outside the process."""

    def __init__(self, listen: str, checks: Mapping[str, Check], tls: Listening | None = None) -> None:
        self._tls = tls
        self._host, self._port = split_address(listen)
        self._readiness = Readiness(checks)
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that it listens on, once it has started."""
        return int(self._runner.addresses[0][1]) if self._runner else 0

    async def start(self) -> None:
        """Begin to listen; OSError where the port is taken."""
        app = web.Application()
        app.add_routes([web.get("/healthz", _alive), web.get("/readyz", self._ready), web.get("/metrics", _metrics)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        context = self._tls.context() if self._tls else None
        await web.TCPSite(self._runner, self._host, self._port, ssl_context=context).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _ready(self, _request: web.Request) -> web.Response:
        results = await self._readiness.look()
        return web.json_response(
            {"ready": all(results.values()), "checks": results},
            status=200 if all(results.values()) else 503,
            headers={PROCESS_HEADER: str(os.getpid())},
        )


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
