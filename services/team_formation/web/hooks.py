"""Calls of chat services: checked, kept and then answered, or refused; the work comes after.

Whoever calls is told nothing that it cannot know: an address that belongs to no app is answered as a wrong signature
is. A call is answered before its service gives up waiting, whatever takes long: what is not kept by then is answered
503, upon which the services send it again. If it is kept a moment later all the same, it has one effect.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache

import psycopg
from prometheus_client import Counter
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.coalesce import Coalescer
from services.chassis.errors import Unavailable
from services.chassis.sealing import NotOpened
from services.team_formation.chats.apps import App, Apps
from services.team_formation.chats.keeper import Kept
from services.team_formation.hooks.admission import MOST_BYTES
from services.team_formation.hooks.call import Answer as Said
from services.team_formation.hooks.call import Call, Event, Refused, Verified
from services.team_formation.hooks.registry import SERVICES
from services.team_formation.metrics import HOOK_CALLS
from services.team_formation.web.answers import NO_STORE, NOSNIFF, Answer, Headers

ON_THE_WAY_SECONDS = 0.3
"""Of the time that a service waits, so much is left to the network."""

Preview = Callable[[App, Event, datetime], Awaitable[Said | None]]
"""Answers what has to be answered at once; None where it is worked later."""

log = logs.logger(__name__)


class Hooks:
    """Answers chat services."""

    def __init__(self, apps: Apps, calls: Coalescer[Kept, bool], clock: Clock, preview: Preview) -> None:
        self._apps = apps
        self._calls = calls
        self._clock = clock
        self._preview = preview

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [Route("/hooks/{service}/{app}", self.call, methods=["GET", "POST"])]

    async def call(self, request: Request) -> Answer:
        """Answer a call."""
        service = SERVICES.get(request.path_params["service"])
        if service is None or request.method == "HEAD":
            return _answer(Said(404))
        try:
            async with asyncio.timeout(service.waits - ON_THE_WAY_SECONDS):
                return await self._looked_at(service.name, request)
        except (TimeoutError, psycopg.Error, NotOpened, Unavailable) as error:
            log.warning("a call of a chat service was not kept", service=service.name, why=_named(error))
            return _counted(service.name, "put off", _LATER)

    async def _looked_at(self, service: str, request: Request) -> Answer:
        app = await self._apps.find(service, request.path_params["app"])
        if app is None:
            return _counted(service, "unknown app", Said(401))
        body = await _body(request)
        if body is None:
            return _counted(service, "too large", Said(413))
        return await self._checked(app, request, body)

    async def _checked(self, app: App, request: Request, body: bytes) -> Answer:
        now = self._clock.now()  # the services sign by the world's time, whatever a test platform's is
        call = Call.of(request.method, request.scope["headers"], request.scope["query_string"], body, now)
        outcome = app.service.verify(call, app.secrets)
        if isinstance(outcome, Refused):
            return _counted(app.service.name, "refused", outcome.answer)
        if not isinstance(outcome, Verified):
            return _counted(app.service.name, "handshake", outcome.answer)
        return await self._kept(app, outcome, call)

    async def _kept(self, app: App, verified: Verified, call: Call) -> Answer:
        """Keep the events, then answer: at once where the service wants to show something now."""
        for event in verified.events:
            if said := await self._preview(app, event, call.received_at):
                return _counted(app.service.name, "shown", said)
        try:
            if verified.events:
                await self._calls.submit(Kept(app, verified.events, call.received_at))
        except psycopg.errors.ForeignKeyViolation:  # deleted a moment ago, on another replica
            self._apps.forget(app.app_id)
            return _counted(app.service.name, "unknown app", Said(401))
        return _counted(app.service.name, "kept", verified.answer)


_LATER = Said(503)


async def _body(request: Request) -> bytes | None:
    """Read the body as it comes; None where there is more of it than any service sends."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > MOST_BYTES:
            return None
    return bytes(read)


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


def _counted(service: str, outcome: str, said: Said) -> Answer:
    _counter(service, outcome).inc()
    return _answer(said)


@cache
def _counter(service: str, outcome: str) -> Counter:
    return HOOK_CALLS.labels(service, outcome)


def _answer(said: Said) -> Answer:
    headers: Headers = [(b"cache-control", NO_STORE), (b"content-length", b"%d" % len(said.body))]
    if said.body:
        headers += [(b"content-type", said.content_type.encode()), NOSNIFF]
    if said.status == _LATER.status:
        headers.append((b"retry-after", b"5"))
    return Answer(said.status, headers, said.body)
