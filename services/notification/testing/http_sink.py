"""An HTTP server on loopback that answers from a script and keeps what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

from services.notification.channels import Http, Tools
from services.notification.testing.case import CUT, GARBAGE, SLOW, Sink, Taken

_NO_HTTP = b"\x00\xff what is this\r\n" * 3


@dataclass(frozen=True)
class Request:
    """What was asked; header names in lower case, the path with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is answered: a status and JSON (or `body` as it is); `takes` is the message that the service took by it."""

    status: int = 200
    json: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: Taken | None = None
    body: bytes = b""
    is_send: bool = True
    """False where the request was not for a message, as for a token."""
    after: float = 0.0
    """Seconds until it comes."""
    trouble: str = ""
    """SLOW, CUT or GARBAGE instead of an answer."""


Script: TypeAlias = Callable[[Request], Answer]


def trouble(mode: str) -> Answer | None:
    """Give what every server can do wrong, for the modes SLOW, CUT and GARBAGE; None for others."""
    return Answer(trouble=mode) if mode in {SLOW, CUT, GARBAGE} else None


@dataclass
class HttpSink(Sink):
    """A server that is running."""

    url: str = ""
    """Where it listens, without a path and a slash at the end."""
    asked: list[Request] = field(default_factory=list)
    _script: Script = lambda _: Answer()
    _release: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    async def start(self, script: Script) -> None:
        """Listen on a free port of loopback."""
        self._script = script
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def release(self) -> None:
        """Have slow answers come now."""
        self._release.set()

    async def stop(self) -> None:
        """Let go of whoever waits, and listen no longer."""
        self._release.set()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, request.path_qs, headers, await request.read())
        self.asked.append(asked)
        answer = self._script(asked)
        if answer.is_send:
            self.hear()
        if answer.after:
            await asyncio.sleep(answer.after)
        if answer.trouble:
            await self._trouble(answer.trouble, request)
        elif answer.takes:
            self.taken.append(answer.takes)
        return _response(answer)

    async def _trouble(self, kind: str, request: web.Request) -> None:
        """Do what is no answer; what is returned after it reaches nobody."""
        if kind == SLOW:
            await self._release.wait()
        if request.transport and kind == GARBAGE:
            request.transport.write(_NO_HTTP)
            request.transport.close()
        elif request.transport:
            request.transport.abort()


def _response(answer: Answer) -> web.Response:
    if answer.json is None:
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    return web.json_response(answer.json, status=answer.status, headers=answer.headers)


@asynccontextmanager
async def http_sink(script: Script) -> AsyncIterator[HttpSink]:
    """Run a sink."""
    sink = HttpSink()
    await sink.start(script)
    try:
        yield sink
    finally:
        await sink.stop()


@asynccontextmanager
async def http_tools(*, seconds: float = 5.0) -> AsyncIterator[Tools]:
    """Give what a channel is made with; its client reaches loopback, where the sinks are."""
    http = Http(seconds=seconds, connections=20, allow_private=True)
    try:
        yield Tools(http)
    finally:
        await http.close()
