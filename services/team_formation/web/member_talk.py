"""What a member's page has of notification: the switch of messages, chats that they go to, questions to the seller.

The page is shown without what notification does not say in time.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis import formats
from services.chassis.errors import Rejected
from services.chassis.reasons import reasons
from services.team_formation.chats.apps import Apps
from services.team_formation.chats.hearing import Asked, Conversation, Hearing
from services.team_formation.message_switch import MessageSwitch
from services.team_formation.web.answers import Answer, redirect
from services.team_formation.web.member_door import NONCE, Found, MemberDoor, form_of
from services.team_formation.web.words import Words

LONGEST_QUESTION = 1_000


@dataclass(frozen=True, slots=True)
class WayIn:
    """A chat service of which the shop has an app, and what opens a chat there; empty where that is not known."""

    service: str
    link: str


@dataclass(frozen=True, slots=True)
class Talk:
    """What a page says besides its seat."""

    messages: bool | None
    """Whether the member's messages are on; None where that is not known."""
    can_ask: bool
    """Whether there is somebody who hands questions on."""
    asked: Sequence[Asked]
    chats: str
    """Where messages go, in words; empty where to no chat."""
    can_bind: bool
    """Whether there is an app whose chats they could go to."""
    nonce: str


class MemberTalk:
    """Asks notification for pages, and hands it what members want."""

    def __init__(
        self, door: MemberDoor, switch: MessageSwitch | None, hearing: Hearing | None, apps: Apps | None
    ) -> None:
        self._door = door
        self._switch = switch
        self._hearing = hearing
        self._apps = apps

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [
            Route("/m/{token}/messages", self.turn, methods=["POST"]),
            Route("/m/{token}/ask", self.ask, methods=["POST"]),
            Route("/m/{token}/chat", self.bind, methods=["POST"]),
            Route("/m/{token}/chats", self.end, methods=["POST"]),
            *(Route(f"/m/{{token}}/{what}", self.back) for what in ("messages", "ask", "chat", "chats", "invite")),
        ]

    async def of(self, found: Found) -> Talk:
        """Find what a page says of its member."""
        messages, conversation, ways = await asyncio.gather(self._are_on(found), self._asked(found), self._ways(found))
        chats = [_name(service) for service in conversation.services] if conversation else []
        said = found.words.say("my_chat_here", chats=formats.listed(chats, found.words.locale)) if chats else ""
        can_bind = bool(ways) and self._hearing is not None and found.seat.state.is_live
        asked = conversation.asked if conversation else ()
        return Talk(messages, self._hearing is not None, asked, said, can_bind, secrets.token_urlsafe(16))

    async def turn(self, request: Request) -> Answer:
        """Turn the member's messages on or off, as the button said; the same form sent twice changes nothing more."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        wanted, seat = (await form_of(request)).get("on"), found.seat
        if self._switch is None or wanted not in {"yes", "no"}:
            return redirect(found.member.path, self._door.headers)
        if await self._switch.turn(seat.platform_id, seat.member_id, on=wanted == "yes"):
            return redirect(f"{found.member.path}#messages", self._door.headers)
        return self._door.refused(request, found.words, found.words.say("my_messages_failed"), 503)

    async def ask(self, request: Request) -> Answer:
        """Hand a question to the seller; the same form sent twice asks once."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        form = await form_of(request)
        text, nonce = form.get("text", "").replace("\r\n", "\n").replace("\0", "").strip(), form.get("nonce", "")
        if self._hearing is None or not NONCE.fullmatch(nonce) or not text:
            return redirect(found.member.path, self._door.headers)
        if len(text) > LONGEST_QUESTION:
            return self._door.refused(request, found.words, found.words.say("my_ask_long"), 400)
        seat = found.seat
        try:
            key = f"{found.seat_id}/{nonce}"
            await self._hearing.ask(seat.platform_id, seat.member_id, found.seat_id, text, key)
        except Rejected as refused:
            return self._refused(request, refused, found.words)
        return redirect(f"{found.member.path}#asked", self._door.headers)

    async def bind(self, request: Request) -> Answer:
        """Make a code by which the member's messages go to a chat, and say what to do with it."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        seat, words, ways = found.seat, found.words, await self._ways(found)
        if self._hearing is None or not ways or not seat.state.is_live:
            return redirect(found.member.path, self._door.headers)
        try:
            code, _ = await self._hearing.make_code(seat.platform_id, seat.member_id, found.seat_id)
        except Rejected as refused:
            return self._refused(request, refused, words)
        opened = [WayIn(_name(way.service), way.link.replace("{code}", code)) for way in ways if way.link]
        others = [_name(way.service) for way in ways if not way.link]
        path, seller = found.member.path, found.shown.campaign.presentation.seller
        how = words.say(
            "my_chat_else" if opened else "my_chat_how",
            seller=formats.isolated(seller, words.locale),
            chats=formats.either(others or [way.service for way in opened], words.locale),
        )
        script = self._door.pages.script(path.removesuffix(f"/m/{found.token}"))
        filled = self._door.pages.filled(
            "chat.html", words, path=path, code=code, opened=opened, how=how, script=script
        )
        return self._door.answer(request, filled)

    async def end(self, request: Request) -> Answer:
        """Have the member written to in no chat any more."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        if self._hearing is not None:
            try:
                await self._hearing.end_chats(found.seat.platform_id, found.seat.member_id)
            except Rejected as refused:
                return self._refused(request, refused, found.words)
        return redirect(f"{found.member.path}#chats", self._door.headers)

    async def back(self, request: Request) -> Answer:
        """Lead who comes back to the address of a form to the page."""
        found = await self._door.find(request)
        return found if isinstance(found, Answer) else redirect(found.member.path, self._door.headers)

    def _refused(self, request: Request, refused: Rejected, words: Words) -> Answer:
        said = reasons()[refused.reason].buyer_sentence(words.language, refused.metadata) or words.say("broken")
        return self._door.refused(request, words, said, 503 if refused.reason == "UNAVAILABLE" else 429)

    async def _are_on(self, found: Found) -> bool | None:
        return await self._switch.are_on(found.seat.platform_id, found.seat.member_id) if self._switch else None

    async def _asked(self, found: Found) -> Conversation | None:
        if self._hearing is None:
            return None
        return await self._hearing.conversation(found.seat.platform_id, found.seat.member_id, found.seat_id)

    async def _ways(self, found: Found) -> list[WayIn]:
        if self._apps is None:
            return []
        ways = sorted(await self._apps.ways_in(found.seat.platform_id), key=lambda way: not way[1])
        return [WayIn(service, link) for service, link in dict(reversed(ways)).items()][::-1]


_NAMES = {
    "slack": "Slack",
    "telegram": "Telegram",
    "line": "LINE",
    "whatsapp": "WhatsApp",
    "wechat": "WeChat",
    "wecom": "WeCom",
    "discord": "Discord",
    "feishu": "Feishu",
    "dingtalk": "DingTalk",
}


def _name(service: str) -> str:
    return _NAMES.get(service, service)
