"""Calls of chat services: checked, kept and then answered, or refused; the work comes after.

Whoever calls is told nothing that it cannot know: an address that belongs to no app is answered as a wrong signature
is. What cannot be kept in time is answered 503, upon which the services send it again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

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
from services.team_formation.web.answers import NO_STORE, Answer, common

READ_SECONDS = 5.0
"""Who sends a body more slowly than this is given up."""
KEEP_SECONDS = 2.0
"""Slack, Discord and Feishu wait three seconds for an answer, LINE about two."""

CALLS = Counter("groupbuy_hook_calls_total", "Calls of chat services by what became of them.", ["service", "outcome"])

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
        service = request.path_params["service"]
        if service not in SERVICES or request.method == "HEAD":
            return _answer(Said(404))
        try:
            app = await self._apps.find(service, request.path_params["app"])
        except (psycopg.Error, NotOpened) as error:
            log.warning("a call of a chat service was not looked at", service=service, why=str(error).strip())
            return _counted(service, "put off", _LATER)
        if app is None:
            return _counted(service, "unknown app", Said(401))
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return _counted(service, "slow", Said(408))
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
            async with asyncio.timeout(KEEP_SECONDS):
                kept = [Kept(app, event, call.received_at) for event in verified.events]
                await asyncio.gather(*(self._calls.submit(item) for item in kept))
        except psycopg.errors.ForeignKeyViolation:  # deleted a moment ago, on another replica
            self._apps.forget(app.app_id)
            return _counted(app.service.name, "unknown app", Said(401))
        except (TimeoutError, psycopg.Error, Unavailable) as error:
            log.warning("a call of a chat service was not kept", service=app.service.name, why=type(error).__name__)
            return _counted(app.service.name, "put off", _LATER)
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


def _counted(service: str, outcome: str, said: Said) -> Answer:
    CALLS.labels(service, outcome).inc()
    return _answer(said)


def _answer(said: Said) -> Answer:
    length = (b"content-length", b"%d" % len(said.body))
    headers = [*common(NO_STORE), (b"content-type", said.content_type.encode()), length]
    if said.status == _LATER.status:
        headers.append((b"retry-after", b"5"))
    return Answer(said.status, headers, said.body)
