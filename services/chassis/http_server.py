"""An HTTP server as a part of a process: whatever answers on it, its patience, sizes and connections have bounds."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp, Scope

from services.chassis.environment import PREFIX
from services.chassis.patience import PatientProtocol
from services.chassis.settings import split_address
from services.chassis.tls import Listening

LONGEST_HEADERS = 32 * 1024
"""Bytes of a request's line and headers."""
BACKLOG = 4096
KEEP_ALIVE_SECONDS = 5
"""For the next request of a connection to begin."""


class HttpServer:
    """The server as a part: starts, stops, and lets answers under way finish.

    Who comes when there are `most_connections` is answered 503. `setting` is the variable that says where it listens,
    without its prefix. `proxies` are those whose word about a caller's address is believed.
    """

    def __init__(
        self,
        listen: str,
        app: ASGIApp,
        *,
        setting: str,
        most_connections: int,
        drain_seconds: float,
        proxies: str = "",
        keep_alive_seconds: int = KEEP_ALIVE_SECONDS,
        tls: Listening | None = None,
    ) -> None:
        self._listen = listen
        self._setting = setting
        self._server = _Server(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                limit_concurrency=most_connections,
                timeout_keep_alive=keep_alive_seconds,
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
            remedy = f"set {PREFIX}{self._setting}"
            raise OSError(f"cannot listen on {self._listen}: {error.strerror}; {remedy}") from None
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name=self._setting.lower())
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Take no more requests, let those under way finish, then close."""
        if self._serving:
            self._server.should_exit = True
            with suppress(asyncio.CancelledError):
                await self._serving


def is_ambiguous(scope: Scope) -> bool:
    """Tell whether a request says its length in two ways: whoever stands between may have read another one in it.

    RFC 9112, section 6.3, has such a connection closed.
    """
    named = [name for name, _ in scope["headers"] if name in {b"transfer-encoding", b"content-length"}]
    return len(named) > 1


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


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
