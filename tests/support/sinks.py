"""What this repository's own channels are played against: an SMTP server, a member's endpoint, a terminal."""

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP as SmtpProtocol  # noqa: N811 - a class, not a constant

from services.notification.testing import (
    ACCEPT,
    BUSY,
    CUT,
    GARBAGE,
    MISCONFIGURED,
    REFUSE,
    SLOW,
    Answer,
    Request,
    Sink,
    Taken,
    trouble,
)


@dataclass
class SmtpSink(Sink):
    """An SMTP server that is running."""

    mode: str = ACCEPT
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    server: asyncio.Server | None = None
    talking: set[asyncio.Task[None]] = field(default_factory=set)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self) -> None:
        self.release.set()
        if self.server:
            self.server.close()
            await self.server.wait_closed()
            await asyncio.gather(*self.talking)
            self.server = None


class _Smtp:
    """Hooks of aiosmtpd: what each command is answered (RFC 5321, codes of RFC 3463)."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        self._sink.hear()
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
        if self._sink.mode == "content refused":
            return f"554 5.6.0 <{envelope.rcpt_tos[0]}> does not take such content"
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body()
        text = f"{mail['Subject']}\n\n{body.get_content() if body else ''}"
        key = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        self._sink.mails.append(mail)
        self._sink.taken.append(Taken(envelope.rcpt_tos[0], text, key))
        return "250 OK"


async def _garbage(sink: SmtpSink) -> asyncio.Server:
    """Run a server that speaks no protocol."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        sink.talking.add(task)
        sink.hear()
        with suppress(ConnectionError):
            writer.write(b"\x00\xff what is this\r\n" * 3)
            await writer.drain()
            await reader.read()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    return await asyncio.start_server(talk, "127.0.0.1", 0)


@asynccontextmanager
async def smtp_sink(mode: str = ACCEPT, *, implicit_tls: Any = None, **options: Any) -> AsyncIterator[SmtpSink]:
    """Run an SMTP server on loopback; the options are those of aiosmtpd's SMTP."""
    sink = SmtpSink(mode=mode)
    loop = asyncio.get_running_loop()
    if mode == GARBAGE:
        sink.server = await _garbage(sink)
    else:
        handler = _Smtp(sink)
        sink.server = await loop.create_server(
            lambda: SmtpProtocol(handler, hostname="sink", loop=loop, **options), "127.0.0.1", 0, ssl=implicit_tls
        )
    sink.port = sink.server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        await sink.stop()


class Endpoint:
    """What a member's endpoint answers: a mode's name, or a status."""

    def __init__(self, mode: str = ACCEPT, headers: dict[str, str] | None = None) -> None:
        self._status = {ACCEPT: 204, BUSY: 503, REFUSE: 404}.get(mode) or (int(mode) if mode.isdecimal() else 200)
        self._mode = mode
        self._headers = headers or {}

    def __call__(self, request: Request) -> Answer:
        if answer := trouble(self._mode):
            return answer
        if self._status >= 300:
            return Answer(self._status, headers=self._headers)
        body = request.json()
        to = f"http://{request.headers['host']}{request.path}"
        taken = Taken(to, f"{body['subject']}\n\n{body['body']}", request.headers["idempotency-key"])
        return Answer(self._status, takes=taken)


class Console(io.StringIO):
    """A stream that can be cut."""

    def __init__(self, sink: Sink, mode: str) -> None:
        super().__init__()
        self._sink = sink
        self._mode = mode

    def write(self, text: str) -> int:
        if self._mode == CUT:
            raise BrokenPipeError(32, os.strerror(32))
        for line in text.splitlines():
            if line:
                self._sink.hear()
                said = json.loads(line)
                self._sink.taken.append(
                    Taken(said["message_to"], f"{said['subject']}\n\n{said['body']}", said["delivery_id"])
                )
        return len(text)
