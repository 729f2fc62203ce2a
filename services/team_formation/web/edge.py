"""The web server of share links: a part of a process, of which there may be as many as are needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis import call_spans, logs
from services.chassis.errors import Rejected
from services.chassis.http_server import HttpServer, is_ambiguous
from services.chassis.tls import Listening
from services.team_formation.web import languages
from services.team_formation.web.answers import IMMUTABLE, NO_STORE, Answer, Body, answer, common, for_pages
from services.team_formation.web.pages import Assets, Pages

MOST_CONNECTIONS = 20_000
"""Of one process; who comes then is answered 503. Each reader of events has one."""

_VERBS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"}

log = logs.logger(__name__)


def application(routes: Sequence[BaseRoute], pages: Pages, assets: Assets) -> "Guarded":
    """Put the routes, the files of the pages and the answers to what goes wrong together."""

    async def file(body: Body, request: Request) -> Answer:
        return answer(request, body, common(IMMUTABLE))

    files = [Route(f"/static/{name}", partial(file, body)) for name, body in assets.files.items()]
    return Guarded(Router(routes=[*routes, *files], redirect_slashes=False), pages, assets)


@dataclass(frozen=True, slots=True)
class Guarded:
    """Answers with a page where something goes wrong, and says in the log what it was."""

    inner: Router
    pages: Pages
    assets: Assets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        span = call_spans.visited(_verb(scope))
        if span is None:
            await self._answer(scope, receive, send)
            return
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        routed = dict(scope)
        try:
            await self._answer(routed, receive, seen)
        finally:
            if isinstance(route := routed.get("route"), Route):
                call_spans.routed(span, _verb(scope), route.path)
            call_spans.responded(span, str(status), status)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        if is_ambiguous(scope):
            headers = [*for_pages(NO_STORE, self.assets.style), (b"connection", b"close"), (b"content-length", b"0")]
            await Answer(400, headers, b"")(scope, receive, send)
            return
        try:
            scope["app"] = self
            await self.inner(scope, receive, noted)
        except HTTPException as refused:  # no route, or not by this method
            await self._notice(Request(scope), "unknown", refused.status_code)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets an answer
            status = 503 if isinstance(error, psycopg.Error | Rejected | TimeoutError) else 500
            log.warning("page failed", status=status, path=_kind(scope["path"]), why=str(error).strip())
            if not began:
                await self._notice(Request(scope), "broken", status)(scope, receive, send)

    def _notice(self, request: Request, name: str, status: int) -> Answer:
        words = languages.words_read(request)
        headers = for_pages(NO_STORE, self.assets.style)
        if status >= 500:  # noqa: PLR2004 - ours
            headers.append((b"retry-after", b"5"))
        return answer(request, self.pages.notice(name, words), headers, status)


def _verb(scope: Scope) -> str:
    """Name the method of a request; those that a page has are few."""
    return scope["method"] if scope["method"] in _VERBS else "HTTP"


def _kind(path: str) -> str:
    """Name a path without the code in it, which lets whoever knows it in."""
    return "/".join(part if len(part) < 12 else "..." for part in path.split("/")[:4])  # noqa: PLR2004 - a code


class WebEdge(HttpServer):
    """The server of pages."""

    def __init__(
        self, listen: str, app: ASGIApp, *, proxies: str, drain_seconds: float, tls: Listening | None = None
    ) -> None:
        super().__init__(
            listen,
            app,
            setting="WEB_LISTEN",
            most_connections=MOST_CONNECTIONS,
            drain_seconds=drain_seconds,
            proxies=proxies,
            tls=tls,
        )
