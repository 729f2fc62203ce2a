"""A workspace of Slack on loopback: it asks the engine what is behind a link that is posted, and shows the answer.

It calls as https://docs.slack.dev/reference/events/link_shared and https://docs.slack.dev/authentication/verifying-requests-from-slack
say, and takes chat.unfurl as https://docs.slack.dev/reference/methods/chat.unfurl does.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from groupbuy.team_formation.v1.chat_apps_pb2 import ChatSecret, PutChatAppRequest

from deploy.demo.actor import Shop

_SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105 - of a workspace that only this demo talks to
_CHANNEL = "C0123456789"


class Workspace:
    """One channel of one workspace."""

    def __init__(self) -> None:
        self._hook = ""
        self._waiting: dict[str, str] = {}
        self.preview: list[str] | None = None
        """What stands below the last link that was posted; None until there is something."""
        self.shown = asyncio.Event()

    async def register(self, shop: Shop) -> None:
        """Set the shop's app up, as its staff would with PutChatApp, and tell Slack the address."""
        secrets = {"signing_secrets": ChatSecret(values=[_SIGNING_SECRET])}
        request = PutChatAppRequest(service="slack", name="demo", secrets=secrets)
        self._hook = (await shop.ask(shop.teams.PutChatApp, request)).app.url

    async def post(self, link: str, member_id: str) -> tuple[int, str]:
        """Have somebody post a link; gives what the engine answered, and what it was sent."""
        self.preview, self.shown = None, asyncio.Event()
        at = f"{time.time():.6f}"
        unfurl_id = f"{_CHANNEL}.{at}.1b90fa1278528ce6e2f6c5c2bfa1abc9"
        self._waiting = {unfurl_id: link}
        event = {
            "type": "link_shared",
            "channel": _CHANNEL,
            "user": user(member_id),
            "message_ts": at,
            "unfurl_id": unfurl_id,
            "source": "conversations_history",
            "links": [{"domain": urlsplit(link).hostname, "url": link}],
        }
        return await self._tell(at, event), json.dumps(event, indent=1)

    async def write(self, member_id: str, text: str) -> int:
        """Have somebody write to the shop's app in private; gives what the engine answered."""
        at = f"{time.time():.6f}"
        event = {
            "type": "message",
            "channel": private_chat(member_id),
            "channel_type": "im",
            "user": user(member_id),
            "text": text,
            "ts": at,
            "event_ts": at,
        }
        return await self._tell(at, event)

    async def _tell(self, at: str, event: Mapping[str, Any]) -> int:
        call = {"type": "event_callback", "event_id": f"Ev{at}", "team_id": "T1", "api_app_id": "A1", "event": event}
        body = json.dumps(call).encode()
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._hook, data=body, headers=_signed(body)) as answer,
        ):
            return answer.status

    def unfurl(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Take a preview."""
        link = self._waiting.get(said.get("unfurl_id", ""), "")
        blocks = said.get("unfurls", {}).get(link, {}).get("blocks")
        if not blocks:
            return {"ok": False, "error": "cannot_unfurl_url"}
        self.preview = lines_of(blocks)
        self.shown.set()
        return {"ok": True}


def user(member_id: str) -> str:
    """Give a member's id in Slack."""
    return f"U{hashlib.sha256(member_id.encode()).hexdigest()[:10].upper()}"


def private_chat(member_id: str) -> str:
    """Give the id of a member's private chat with the shop's app."""
    return f"D{user(member_id)[1:]}"


def lines_of(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Read a message of blocks."""
    return [line for block in blocks for line in _lines(block)]


def _signed(body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    proof = hmac.new(_SIGNING_SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={proof}",
    }


def _lines(block: Mapping[str, Any]) -> list[str]:
    """Read a block of Slack's Block Kit, as far as previews have them."""
    if block["type"] == "actions":
        return [f"[ {element['text']['text']} ]" for element in block["elements"]]
    texts = [block["text"]] if "text" in block else block.get("elements", [])
    return [line for text in texts if "text" in text for line in str(text["text"]).splitlines()]
