"""A platform whose links are shared in chats, what people see there, and cards that follow: for tests of both."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import ManualClock
from services.chassis.sealing import Sealer
from services.team_formation import domain
from services.team_formation.chats.answers import End, Outcome
from services.team_formation.chats.cards import Card
from services.team_formation.chats.finding import Found
from services.team_formation.chats.living import LEASE
from services.team_formation.chats.noting import Answered
from services.team_formation.chats.rates import RATES
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Reply, Way
from services.team_formation.hooks.reading.words import Said
from services.team_formation.web.wiring import Chats, ToChats
from tests.support.formation import PLATFORM, Formation
from tests.support.hearing import Strangers
from tests.support.until import until
from tests.support.web import Visitor, a_shown_campaign, a_web_edge, an_invite

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SEALER = "one:" + "A" * 43 + "="
APART = RATES[Way.SLACK_UNFURL].apart


@dataclass
class Slack:
    """The chats as people see them, behind notification; it ends attempts as it is told."""

    shown: dict[str, Card] = field(default_factory=dict)
    """What stands where, by the ts of the message."""
    calls: list[tuple[str, Card | None]] = field(default_factory=list)
    ends: list[Outcome] = field(default_factory=list)
    ends_in: dict[str, list[Outcome]] = field(default_factory=dict)
    """Of attempts in some chats of Telegram alone."""
    slow: Callable[[Mapping[str, str]], asyncio.Event | None] = lambda _values: None

    async def give(self, _platform: UUID, reply: Reply, found: Found) -> Outcome:
        """Take an answer, or another one in its place."""
        at, card = (
            reply.values.get("ts") or reply.values.get("preview_token") or reply.values.get("edits", ""),
            found.cards[0] if found.cards else None,
        )
        self.calls.append((at, card))
        if wait := self.slow(reply.values):
            await wait.wait()
        ends = self.ends_in.get(reply.values.get("chat_id", ""), self.ends)
        outcome = ends.pop(0) if ends else Outcome(End.SENT)
        if reply.way is Way.TELEGRAM:
            return outcome
        if outcome.end is not End.SENT or card is None:
            return outcome
        self.shown[at] = card
        place = Reply(reply.way, {name: reply.values[name] for name in ("channel", "ts")})
        return replace(outcome, place=place)

    def changes(self, at: str = "1") -> int:
        """Count the changes of what stands somewhere, without the first answer."""
        return len([ts for ts, _ in self.calls if ts == at]) - 1


@dataclass
class Stage:
    """A platform with a Slack app, and a team whose link was shared."""

    visitor: Visitor
    slack: Slack
    on: Formation
    clock: ManualClock
    path: str
    campaign: domain.Campaign
    team_id: str
    seat: Any
    code: str

    @property
    def chats(self) -> Chats:
        """What serves chats."""
        assert self.visitor.web.chats
        return self.visitor.web.chats

    async def cards(self, incoming: Incoming) -> tuple[Card, ...]:
        """The cards of what somebody wrote, as they are now."""
        return await self.chats.finder.cards(PLATFORM, incoming)

    async def share(self, ts: str = "1", code: str = "", path: str = "") -> None:
        """Share a link in a message, and wait until its card is there and followed."""
        before = len(await self.followed())
        link = self.on.codes.url(code or self.code)
        event = {"type": "link_shared", "channel": "C1", "message_ts": ts, "links": [{"url": link}]}
        body = json.dumps({"type": "event_callback", "event_id": f"{path}{ts}", "event": event}).encode()
        stamp = str(int(self.clock.now().timestamp()))
        proof = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={proof}"}
        headers["content-type"] = "application/json"
        url = self.visitor.origin + (path or self.path)
        async with self.visitor.session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200

        async def is_followed() -> bool:
            return len(await self.followed()) > before

        await until(is_followed)
        await self.at_rest()

    async def followed(self) -> list[tuple[Any, ...]]:
        """The cards that are followed."""
        return await self.on.rows("SELECT version, wants, is_moved, due_at, failures FROM chat_previews")

    async def at_rest(self) -> None:
        """Wait until every change is heard, and nothing is left that could be done at this time."""

        async def nothing() -> bool:
            now = self.clock.now()
            return not await self.on.rows(
                "SELECT 1 FROM chat_previews AS p JOIN teams AS t USING (campaign_id, team_id)"
                " JOIN chat_paces AS o USING (app_id, way)"
                " WHERE o.chat = 0 AND ((p.version < t.version AND NOT p.is_moved AND NOT p.wants)"  # not heard
                " OR (p.due_at <= %s AND NOT p.wants) OR (p.due_at <= %s AND o.free_at <= %s)"
                " OR p.next_at = %s)",  # claimed
                now,
                now,
                now - timedelta(seconds=2),
                now + LEASE,
            )

        await until(nothing)

    async def later(self, by: timedelta = APART) -> None:
        """Let time pass, and what is due then be done."""
        await self.at_rest()
        self.clock.move(by)
        await self.at_rest()

    async def fill(self, members: int = 1, name: str = "tom") -> None:
        """Have members join, and pay."""
        for number in range(members):
            joined = await self.on.join(self.team_id, f"{name}{number}")
            await self.on.confirm(joined.seat)

    async def app(self, name: str) -> str:
        """Set up another app; gives its path."""
        assert self.visitor.web.apps
        row = await self.visitor.web.apps.put(PLATFORM, "slack", name, {"signing_secrets": [SECRET]})
        return f"/hooks/slack/{row.app_id}"


async def a_stage(visitor: Visitor, slack: Slack, on: Formation, clock: ManualClock, **changes: Any) -> Stage:
    assert visitor.web.apps
    row = await visitor.web.apps.put(PLATFORM, "slack", "shop", {"signing_secrets": [SECRET]})
    campaign = await on.create(a_shown_campaign(**changes))
    opened = await on.open(campaign)
    code = await an_invite(on, opened.team.team_id)
    return Stage(
        visitor, slack, on, clock, f"/hooks/slack/{row.app_id}", campaign, opened.team.team_id, opened.seat, code
    )


@pytest.fixture
async def stage(formation: Formation, clock: ManualClock) -> AsyncIterator[Stage]:
    slack = Slack()
    async with a_web_edge(formation, to_chats=ToChats(Sealer.read(SEALER), slack.give, Strangers())) as visitor:
        yield await a_stage(visitor, slack, formation, clock, maximum=60)


async def in_telegram(stage: Stage, chats: Mapping[str, str]) -> None:
    """Have cards followed that stand in messages of a bot: the chat of each message."""
    said = Said(links=(stage.on.codes.url(stage.code),))
    incoming = Incoming("telegram", Kind.MESSAGE, said=said)
    answered = Answered(stage.path.rpartition("/")[2], PLATFORM, stage.clock.now())
    cards = await stage.cards(incoming)
    for message, chat in chats.items():
        place = Reply(Way.TELEGRAM, {"chat_id": chat, "edits": message})
        await stage.chats.noter.note(answered, incoming, cards, place)
    await stage.at_rest()
