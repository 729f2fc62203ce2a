"""Where the demo's members live: an SMTP and an HTTP server on loopback that receive what is really sent."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from time import perf_counter
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it arrived; `at` is read from the demo's own monotonic clock."""

    at: float
    over: str
    member_id: str
    delivery_id: str
    subject: str
    body: str


Deliver = Callable[[Arrival], None]


class MailSink:
    """An SMTP server that hands over each message."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen on a free port; gives host:port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop, enable_SMTPUTF8=True), HOST, 0)
        return f"{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Listen no longer."""
        if self._server:
            self._server.close()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one message; aiosmtpd calls this."""
        at = perf_counter()
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = message_from_bytes(content, _class=EmailMessage, policy=POLICY)
        text = message.get_body(("plain",))
        self._deliver(
            Arrival(
                at=at,
                over="email",
                member_id=envelope.rcpt_tos[0].partition("@")[0],
                delivery_id=str(message["Message-ID"]).strip("<>").partition("@")[0],
                subject=str(message["Subject"]),
                body=str(text.get_content()) if text else "",
            )
        )
        return "250 OK"


class WebSink:
    """An HTTP server that hands over each webhook call."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free port; gives the URL that a member's id is added to."""
        application = web.Application()
        application.router.add_post("/members/{member}", self._take)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}/members/"

    async def stop(self) -> None:
        """Listen no longer."""
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        at = perf_counter()
        said: dict[str, Any] = json.loads(await request.read())
        self._deliver(
            Arrival(
                at=at,
                over="webhook",
                member_id=request.match_info["member"],
                delivery_id=request.headers["Idempotency-Key"],
                subject=said["subject"],
                body=said["body"],
            )
        )
        return web.Response(status=204)
