"""The shop's own webhook endpoint: it takes what the engine posts, and looks at each signature as a stranger would."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web
from groupbuy.notification.v1.chats_pb2 import ReplyToMemberRequest
from groupbuy.notification.v1.platform_webhooks_pb2 import PutWebhookEndpointRequest, WebhookEndpoint
from groupbuy.notification.v1.streaming_pb2 import StreamEventsRequest

from deploy.demo.actor import Shop
from deploy.demo.journal import Journal
from deploy.demo.sinks import HOST
from services.notification.translate import body_of

TYPES = ("campaign.*", "team.team_*", "team.leader_changed")
"""What the shop wants to be told: how its campaigns and teams get on."""


class ShopEndpoint:
    """An HTTP server of the shop's."""

    def __init__(self) -> None:
        self.taken: dict[str, str] = {}
        """Types of the events that came well signed, by their ids."""
        self.badly_signed = 0
        self._secret = ""
        self._pulse = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._url = ""

    async def start(self) -> None:
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post("/groupbuy", self._take)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self._url = f"http://{HOST}:{self._runner.addresses[0][1]}/groupbuy"

    async def register(self, shop: Shop) -> None:
        """Have the engine tell this endpoint what happens from now on."""
        endpoint = WebhookEndpoint(url=self._url, description="the demo's shop", types=TYPES, in_order=True)
        answer = await shop.ask(shop.messages.PutWebhookEndpoint, PutWebhookEndpointRequest(endpoint=endpoint))
        self._secret = answer.secret

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait until a condition holds after something was taken, for some seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition():
                    self._pulse.clear()
                    await self._pulse.wait()

    async def stop(self) -> None:
        """Listen no longer."""
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_ours(request, body):
            self.badly_signed += 1
            return web.Response(status=401)
        self.taken[request.headers["webhook-id"]] = json.loads(body)["type"]
        self._pulse.set()
        return web.Response(status=204)

    def _is_ours(self, request: web.Request, body: bytes) -> bool:
        """Verify a post as docs/webhooks.md says."""
        headers = request.headers
        key = base64.b64decode(self._secret.removeprefix("whsec_"))
        content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        wanted = "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
        return any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split(" "))


def wanted(journal: Journal) -> set[str]:
    """Give the ids of the teams' events that the shop asked for, as they came by Kafka."""
    return {
        event.event_id
        for events in journal.teams.values()
        for event in events.values()
        if str(event.WhichOneof("fact")).startswith(("team_", "leader_changed"))
    }


async def bodies(shop: Shop, journal: Journal) -> dict[str, Any]:
    """Read one body of each type from the platform's stream, until every type that Kafka had was seen.

    And what goes to platforms alone: what members wrote, if the shop has answered it.
    """
    missing = {_type_of(note.what) for note in journal.events.values()}
    if any(isinstance(call.request, ReplyToMemberRequest) for call in shop.calls):
        missing.add("chat.message_received")
    found: dict[str, Any] = {}
    async for item in shop.stream(StreamEventsRequest(from_start=True)):
        if item.type and item.type not in found:
            envelope = getattr(item, str(item.WhichOneof("event")))
            found[item.type] = json.loads(body_of(item.type, item.occurred_at.ToDatetime(), envelope))
        missing.discard(item.type)
        if not missing:
            break
    return found


def _type_of(event: Any) -> str:
    word = event.DESCRIPTOR.name.removesuffix("Event").lower()
    return f"{word}.{event.WhichOneof('fact')}"
