"""The web server of share links: a part of a process, of which there may be as many as are needed."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import psycopg
import uvicorn
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis import logs
from services.chassis.errors import Rejected
from services.chassis.settings import split_address
from services.chassis.tls import Listening
from services.team_formation.web import languages
from services.team_formation.web.answers import IMMUTABLE, NO_STORE, Answer, Body, answer, common, for_pages
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.patience import PatientProtocol

LONGEST_HEADERS = 32 * 1024
"""Bytes of a request's line and headers."""
BACKLOG = 4096
MOST_CONNECTIONS = 20_000
"""Of one process; who comes then is answered 503. Each reader of events has one."""

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
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        if _is_ambiguous(scope):
            headers = [*for_pages(NO_STORE, self.assets.style), (b"connection", b"close"), (b"content-length", b"0")]
            await Answer(400, headers, b"")(scope, receive, send)
            return
        try:
            await self.inner({**scope, "app": self}, receive, noted)
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


def _is_ambiguous(scope: Scope) -> bool:
    """Tell whether a request says its length in two ways: whoever stands between may have read another one in it.

    RFC 9112, section 6.3, has such a connection closed.
    """
    named = [name for name, _ in scope["headers"] if name in {b"transfer-encoding", b"content-length"}]
    return len(named) > 1


def _kind(path: str) -> str:
    """Name a path without the code in it, which lets whoever knows it in."""
    return "/".join(part if len(part) < 12 else "..." for part in path.split("/")[:4])  # noqa: PLR2004 - a code


class _Server(uvicorn.Server):
    """A server that leaves signals to its process, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebEdge:
    """The server as a part: starts, stops, and lets answers under way finish."""

    def __init__(
        self, listen: str, app: ASGIApp, *, proxies: str, drain_seconds: float, tls: Listening | None = None
    ) -> None:
        self._listen = listen
        self._server = _Server(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                limit_concurrency=MOST_CONNECTIONS,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                backlog=BACKLOG,
                timeout_graceful_shutdown=max(1, int(drain_seconds)),
                h11_max_incomplete_event_size=LONGEST_HEADERS,
                ssl_context_factory=(lambda _config, _default: tls.context()) if tls else None,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.port = 0
        """The port that it listens on, once it has started."""

    async def start(self) -> None:
        """Begin to listen; OSError where the port is taken."""
        host, port = split_address(self._listen)
        try:
            listener = socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
        except OSError as error:
            raise OSError(f"cannot listen on {self._listen}: {error.strerror}; set GROUPBUY_WEB_LISTEN") from None
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="web")
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Take no more requests, let those under way finish, then close."""
        if self._serving:
            self._server.should_exit = True
            with suppress(asyncio.CancelledError):
                await self._serving


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
