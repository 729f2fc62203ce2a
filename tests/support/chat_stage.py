"""A platform with an app of Slack, whose web edge is called as chat services do, and where answers arrive."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from services.chassis.clock import ManualClock
from services.chassis.sealing import Sealer
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.finding import Found
from services.team_formation.hooks.reading.incoming import Reply
from services.team_formation.web.wiring import ToChats
from tests.support.formation import PLATFORM, Formation
from tests.support.hearing import Strangers
from tests.support.hook_calls import CODE, NOW, Style, seconds
from tests.support.until import until
from tests.support.web import Seen, Visitor, a_shown_campaign, a_web_edge, an_invite

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SEALER = "one:" + "A" * 43 + "="


@dataclass
class Chat:
    """Where answers arrive; it ends attempts as it is told."""

    given: list[tuple[UUID, Reply, Found]] = field(default_factory=list)
    ends: list[Outcome] = field(default_factory=list)

    async def give(self, platform_id: UUID, reply: Reply, found: Found) -> Outcome:
        """Take an answer."""
        self.given.append((platform_id, reply, found))
        return self.ends.pop(0) if self.ends else Outcome(End.SENT)


@dataclass
class Stage:
    """A platform with a Slack app, and its team's link."""

    visitor: Visitor
    chat: Chat
    formation: Formation
    clock: ManualClock
    path: str
    code: str = ""

    @property
    def link(self) -> str:
        """The link as it is shared."""
        return self.formation.codes.url(self.code)

    def shared(self, *urls: str, event_id: str = "Ev1") -> bytes:
        """A link_shared of Slack's documents."""
        links = [{"domain": "shop.example", "url": url} for url in urls]
        event = {
            "type": "link_shared",
            "channel": "C123ABC456",
            "user": "U123ABC456",
            "message_ts": "123456789.9875",
            "unfurl_id": "C123ABC456.123456789.987501.1b90fa1278528ce6e2f6c5c2bfa1abc9",
            "source": "conversations_history",
            "links": links,
        }
        call = {"type": "event_callback", "event_id": event_id, "team_id": "T1", "api_app_id": "A1", "event": event}
        return json.dumps(call).encode()

    async def post(self, body: bytes, *, secret: str = SECRET, path: str = "", **headers: str) -> Seen:
        """Call as Slack does."""
        stamp = str(int(self.clock.now().timestamp()))
        proof = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        sent = {
            "content-type": "application/json",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={proof}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        url = self.visitor.origin + (path or self.path)
        async with self.visitor.session.post(url, data=body, headers=sent) as response:
            return Seen(response.status, response.headers, await response.read())

    async def app_of(self, style: Style) -> str:
        """Set up an app with the secrets of a style; gives its path."""
        assert self.visitor.web.apps
        values = {
            item.name: [value] if isinstance(value := getattr(style.secrets, item.name), str) else list(value)
            for item in fields(style.secrets)
        }
        row = await self.visitor.web.apps.put(
            PLATFORM, style.service, "one", {k: v for k, v in values.items() if any(v)}
        )
        return f"/hooks/{style.service}/{row.app_id}"

    async def call(self, path: str, style: Style) -> Seen:
        """Call as a service does that says something about our link."""
        now = self.clock.now()
        content = style.content.replace(CODE.encode(), self.code.encode())
        content = content.replace(seconds(NOW).encode(), seconds(now).encode())
        snowflake = (int(now.timestamp() * 1000) - 1_420_070_400_000) << 22  # the time within ids of Discord
        content = content.replace(b"1302264421777477632", str(snowflake).encode())
        raw = style.sign(content, style.secrets, now)
        query = f"?{urlencode(raw.query)}" if raw.query else ""
        url = self.visitor.origin + path + query
        async with self.visitor.session.request(
            raw.method, url, data=raw.body or None, headers=dict(raw.headers)
        ) as response:
            return Seen(response.status, response.headers, await response.read())

    async def calls(self) -> list[tuple[Any, ...]]:
        """The calls as they are stored."""
        return await self.formation.rows(
            "SELECT event_id, payload IS NULL, due_at IS NULL, attempts, outcome FROM hook_calls ORDER BY event_id"
        )

    async def worked(self, calls: int) -> None:
        """Wait until so many calls have ended."""

        async def ended() -> bool:
            return sum(bool(row[2]) for row in await self.calls()) == calls

        await until(ended)


@asynccontextmanager
async def a_chat_stage(formation: Formation, clock: ManualClock) -> AsyncIterator[Stage]:
    """Serve the web edge of a replica, with an app and a team's invite."""
    chat = Chat()
    async with a_web_edge(formation, to_chats=ToChats(Sealer.read(SEALER), chat.give, Strangers())) as visitor:
        assert visitor.web.apps
        row = await visitor.web.apps.put(PLATFORM, "slack", "shop", {"signing_secrets": [SECRET]})
        opened = await formation.open(await formation.create(a_shown_campaign()))
        code = await an_invite(formation, opened.team.team_id)
        yield Stage(visitor, chat, formation, clock, f"/hooks/slack/{row.app_id}", code)
