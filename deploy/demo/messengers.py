"""Telegram, Slack and WeChat on loopback: they take what is really sent, as their services document it, and show it."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from aiohttp import web
from groupbuy.notification.v1.channels_pb2 import ListChannelsRequest, PutChannelRequest

from deploy.demo.actor import Shop
from deploy.demo.sinks import HOST, Arrival, Deliver
from deploy.demo.workspace import Workspace, lines_of, private_chat, user

TELEGRAM, SLACK, WECHAT = "telegram", "slack", "wechat"
NAMES = {TELEGRAM: "Telegram", SLACK: "Slack", WECHAT: "WeChat"}
_BOT = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"
_APP = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"
_CHAT = "-1001234567890"
GROUP = "the group"
"""The name of those in the group chat."""
_TOKEN = "76_demo"  # noqa: S105 - of a server that only this demo talks to
_ACCOUNTS = {
    TELEGRAM: {"token": _BOT},
    SLACK: {"token": _APP},
    WECHAT: {
        "app_id": "wx1234567890abcdef",
        "secret": "0123456789abcdef0123456789abcdef",
        "template_id": "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
        "title_field": "thing1",
        "text_field": "thing2",
    },
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came, for people to look at."""

    line: str
    body: str


@dataclass
class Post:
    """A message in a group chat, as it reads now."""

    text: str
    button: str
    edits: int = 0


class Messengers:
    """One HTTP server that is all three."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._runner: web.AppRunner | None = None
        self._url = ""
        self._members: dict[str, str] = {}
        self._blocked: set[str] = set()
        self._broken: set[str] = set()
        self.last: dict[str, Seen] = {}
        """The last request for each member, by its id."""
        self.workspace = Workspace()
        self.shown: list[tuple[str, list[str]]] = []
        """What Slack was given to show, in order: to whom or where, and its lines."""
        self.group: dict[int, Post] = {}
        """What stands in Telegram's group chat, by the numbers of messages."""

    async def start(self) -> None:
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post(f"/{TELEGRAM}/bot{{token}}/sendMessage", self._telegram)
        application.router.add_post(f"/{TELEGRAM}/bot{{token}}/editMessageText", self._edited)
        application.router.add_post(f"/{SLACK}/chat.postMessage", self._slack)
        application.router.add_post(f"/{SLACK}/chat.unfurl", self._unfurl)
        application.router.add_post(f"/{WECHAT}/cgi-bin/stable_token", self._token)
        application.router.add_post(f"/{WECHAT}/cgi-bin/message/template/send", self._wechat)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self._url = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def register(self, shop: Shop) -> None:
        """Set the shop's accounts up, as its staff would with PutChannel."""
        for channel, account in _ACCOUNTS.items():
            settings = {**account, "base_url": f"{self._url}/{channel}"}
            await shop.ask(shop.messages.PutChannel, PutChannelRequest(channel=channel, settings=settings))
        await self.workspace.register(shop)

    async def mend(self, shop: Shop) -> None:
        """Have the messengers take the shop's accounts again that a scene broke, which the shop sets up anew."""
        if self._broken:
            self._broken.clear()
            await self.register(shop)

    async def stop(self) -> None:
        """Listen no longer."""
        if self._runner:
            await self._runner.cleanup()

    def addresses(self, member_id: str) -> dict[str, str]:
        """Give a member's addresses."""
        digits = hashlib.sha256(member_id.encode()).hexdigest()
        found = {
            TELEGRAM: str(10**8 + int(digits[:7], 16)),
            SLACK: user(member_id),
            WECHAT: f"o{digits[:27]}",
        }
        self._members |= dict.fromkeys([*found.values(), private_chat(member_id)], member_id)
        return found

    def group_chat(self) -> str:
        """Give the address of a group chat in Telegram."""
        self._members[_CHAT] = GROUP
        return _CHAT

    def block(self, member_id: str) -> None:
        """Have a member's messengers refuse it from now on, as when the member has blocked the shop."""
        self._blocked.add(member_id)

    def break_down(self, channel: str) -> None:
        """Have a messenger refuse the shop's account from now on, as when its token was revoked."""
        self._broken.add(channel)

    async def _telegram(self, request: web.Request) -> web.Response:
        said, member_id = await self._read(request, "chat_id")
        if TELEGRAM in self._broken:
            return _answer({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        if member_id in self._blocked:
            refusal = "Forbidden: bot was blocked by the user"
            return _answer({"ok": False, "error_code": 403, "description": refusal}, 403)
        number = self._arrived(TELEGRAM, member_id, said["text"])
        if member_id == GROUP:
            number += len(self.group)
            self.group[number] = Post(said["text"], _button(said))
        return _answer({"ok": True, "result": {"message_id": number, "chat": {"id": said["chat_id"]}}})

    async def _edited(self, request: web.Request) -> web.Response:
        said, _ = await self._read(request, "chat_id")
        post = self.group.get(said["message_id"])
        if post is None:
            refusal = "Bad Request: message to edit not found"
            return _answer({"ok": False, "error_code": 400, "description": refusal}, 400)
        post.text, post.button, post.edits = said["text"], _button(said), post.edits + 1
        return _answer({"ok": True, "result": {"message_id": said["message_id"], "chat": {"id": said["chat_id"]}}})

    async def _slack(self, request: web.Request) -> web.Response:
        said, member_id = await self._read(request, "channel")
        if SLACK in self._broken or request.headers.get("authorization") != f"Bearer {_APP}":
            return _answer({"ok": False, "error": "token_revoked"})
        if member_id in self._blocked:
            return _answer({"ok": False, "error": "cannot_dm_bot"})
        self.shown.append((said["channel"], lines_of(said["blocks"])))
        if said["channel"] == private_chat(member_id):  # an answer in the chat, and no message of its own
            return _answer({"ok": True, "channel": said["channel"], "ts": f"{time.time():.6f}"})
        number = self._arrived(SLACK, member_id, said["blocks"][0]["text"]["text"])
        return _answer({"ok": True, "channel": said["channel"], "ts": f"1764403200.{number:06}"})

    async def _unfurl(self, request: web.Request) -> web.Response:
        if request.headers.get("authorization") != f"Bearer {_APP}":
            return _answer({"ok": False, "error": "token_revoked"})
        return _answer(self.workspace.unfurl(json.loads(await request.read())))

    async def _token(self, _request: web.Request) -> web.Response:
        return _answer({"access_token": _TOKEN, "expires_in": 7200})

    async def _wechat(self, request: web.Request) -> web.Response:
        said, member_id = await self._read(request, "touser")
        if WECHAT in self._broken or request.query.get("access_token") != _TOKEN:
            return _answer({"errcode": 48001, "errmsg": "api unauthorized"})
        if member_id in self._blocked:
            return _answer({"errcode": 43004, "errmsg": "require subscribe"})
        text = "\n\n".join(item["value"] for item in said["data"].values())
        number = self._arrived(WECHAT, member_id, text, said["client_msg_id"])
        return _answer({"errcode": 0, "errmsg": "ok", "msgid": number})

    async def _read(self, request: web.Request, field: str) -> tuple[dict[str, Any], str]:
        said: dict[str, Any] = json.loads(await request.read())
        member_id = self._members.get(str(said[field]), "")
        path = request.path.replace(_BOT, "<token>")
        self.last[member_id] = Seen(f"{request.method} {path}", json.dumps(said, indent=1, ensure_ascii=False))
        return said, member_id

    def _arrived(self, over: str, member_id: str, text: str, delivery_id: str = "") -> int:
        subject, _, body = text.partition("\n\n")
        at = perf_counter()
        self._deliver(Arrival(at, over, member_id, delivery_id or f"{over} at {at}", subject, body))
        return len(self.last)


async def problem_of(shop: Shop, channel: str) -> str:
    """Read what operators are told of a channel."""
    listed = await shop.ask(shop.messages.ListChannels, ListChannelsRequest())
    return next((one.problem for one in listed.channels if one.name == channel), "")


def _button(said: Mapping[str, Any]) -> str:
    """Read what the button below a message of Telegram says; empty where there is none."""
    rows = said.get("reply_markup", {}).get("inline_keyboard", [])
    return str(rows[0][0]["text"]) if rows else ""


def _answer(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status)
