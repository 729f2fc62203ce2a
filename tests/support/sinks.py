"""Servers that messages are really sent to: SMTP and HTTP sinks that accept, refuse, stall, cut or talk garbage."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP as SmtpProtocol  # noqa: N811 - a class, not a constant

ACCEPT, BUSY, REFUSE, MISCONFIGURED, SLOW, CUT, GARBAGE = (
    "accept",
    "busy",
    "refuse",
    "misconfigured",
    "slow",
    "cut",
    "garbage",
)


@dataclass
class Sink:
    """What a server does, where it is, and what it has taken."""

    mode: str = ACCEPT
    address: str = ""
    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    busy_headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)


class _Smtp:
    """Hooks of aiosmtpd: what each command is answered."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        self._sink.asked += 1
        if self._sink.mode == MISCONFIGURED:
            return "550 5.7.1 sender not allowed"
        if self._sink.mode == SLOW:
            await self._sink.release.wait()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self._sink.mode == BUSY:
            return "451 4.7.1 try again later"
        if self._sink.mode == REFUSE:
            return f"550 5.1.1 <{address}> unknown here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self._sink.mode == CUT:
            server.transport.abort()
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body()
        self._sink.taken.append(
            {
                "key": str(mail["Message-ID"]).strip("<>").partition("@")[0],
                "to": envelope.rcpt_tos[0],
                "subject": str(mail["Subject"]),
                "body": str(body.get_content()) if body else "",
                "mail": mail,
            }
        )
        return "250 OK"


@asynccontextmanager
async def _garbage_sink(sink: Sink) -> AsyncIterator[Sink]:
    """Run a server that speaks no protocol."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        talking.add(task)
        with suppress(ConnectionError):
            writer.write(b"\x00\xff what is this\r\n" * 3)
            await writer.drain()
            await reader.read()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*talking)


@asynccontextmanager
async def smtp_sink(mode: str = ACCEPT) -> AsyncIterator[Sink]:
    """Run an SMTP server on loopback."""
    sink = Sink(mode, "mei@example.com")
    if mode == GARBAGE:
        async with _garbage_sink(sink):
            yield sink
        return
    loop = asyncio.get_running_loop()
    handler = _Smtp(sink)
    server = await loop.create_server(lambda: SmtpProtocol(handler, hostname="sink", loop=loop), "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        sink.release.set()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def http_sink(mode: str = ACCEPT) -> AsyncIterator[Sink]:
    """Run an HTTP server on loopback."""
    sink = Sink(mode)
    if mode == GARBAGE:
        async with _garbage_sink(sink):
            sink.address = f"http://127.0.0.1:{sink.port}/in"
            yield sink
        return
    app = web.Application()
    app.add_routes([web.post("/in", _post(sink))])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    sink.port = runner.addresses[0][1]
    sink.address = f"http://127.0.0.1:{sink.port}/in"
    try:
        yield sink
    finally:
        sink.release.set()
        await runner.cleanup()


def _post(sink: Sink) -> Callable[[web.Request], Any]:
    async def post(request: web.Request) -> web.Response:
        sink.asked += 1
        body = await request.json()
        if sink.mode == SLOW:
            await sink.release.wait()
        if sink.mode == CUT:
            assert request.transport
            request.transport.abort()
        status = {BUSY: 503, REFUSE: 404, ACCEPT: 200}.get(sink.mode, 200)
        if sink.mode.isdecimal():
            status = int(sink.mode)
        if status < 300:
            taken = {"key": request.headers["Idempotency-Key"], "to": sink.address, **body}
            sink.taken.append(taken)
        return web.Response(status=status, headers=sink.busy_headers)

    return post


class Console(io.StringIO):
    """A stream that can be cut."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def write(self, text: str) -> int:
        if self._sink.mode == CUT:
            raise BrokenPipeError(32, os.strerror(32))
        for line in text.splitlines():
            if line:
                said = json.loads(line)
                self._sink.taken.append({"key": said["delivery_id"], "to": said["message_to"], **said})
        return len(text)
