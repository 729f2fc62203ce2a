"""A member's own page: how the seat stands, giving it back in two steps, link and messages, and what is stored.

Whoever has the address may do what is on the page, as a bearer of it; nothing is kept by a browser or told to others.
"""

import asyncio
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from google.protobuf.json_format import MessageToJson
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis import ids, requests
from services.chassis.errors import Rejected
from services.chassis.reasons import reasons
from services.team_formation import domain, translate
from services.team_formation.domain import Seat, leave_refusal
from services.team_formation.handlers import Ask, Command
from services.team_formation.store import member_links as shelf
from services.team_formation.web import languages
from services.team_formation.web.answers import HTML, JSON, NO_STORE, Answer, body_of, for_pages, redirect
from services.team_formation.web.answers import answer as answered
from services.team_formation.web.ground import Ground
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.live import Live
from services.team_formation.web.member_view import Member, MemberView, member_view
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.shown import Shown
from services.team_formation.web.streams import EventStream, time_event
from services.team_formation.web.words import Words

_LARGEST_FORM = 4096
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,43}")
_CHANNEL = "web"


@dataclass(frozen=True, slots=True)
class _Found:
    """What a token opens."""

    token: str
    seat: Seat
    shown: Shown
    member: Member
    words: Words
    title_language: str
    messages: bool | None = None
    """Whether the member's messages are on; None where that is not known."""

    @property
    def version(self) -> str:
        """Name what the page shows, as far as it follows the team."""
        return f"{self.shown.version}.{self.shown.turn}"


class MemberPages:
    """The pages of members."""

    def __init__(self, ground: Ground, live: Live[str, Shown], pages: Pages, assets: Assets, guesses: Guesses) -> None:
        self._database = ground.database
        self._clock = ground.clock
        self._links = ground.links
        self._codes = ground.codes
        self._submit = ground.submit
        self._messages = ground.messages
        self._live = live
        self._pages = pages
        self._guesses = guesses
        self._headers = for_pages(NO_STORE, assets.style)

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [
            Route("/m/{token}", self.page),
            Route("/m/{token}/events", self.events),
            Route("/m/{token}/export.json", self.export),
            Route("/m/{token}/leave", self.ask_leave),
            Route("/m/{token}/leave", self.leave, methods=["POST"]),
            Route("/m/{token}/invite", self.invite, methods=["POST"]),
            Route("/m/{token}/messages", self.turn_messages, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Answer:
        """Answer with the page."""
        found = await self._find(request, with_messages=True)
        return found if isinstance(found, Answer) else self._answer(request, self._html(found))

    async def events(self, request: Request) -> Answer | EventStream[Shown]:
        """Answer with the page each time that the team changes."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found

        async def write(shown: Shown) -> bytes | None:
            again = await self._opened(found.token, request, shown)
            return self._pages.as_event(self._html(again), again.version) if again else None

        team = translate.team_id(found.seat.campaign_id, found.seat.team_id)
        states = self._live.after(found.seat.platform_id, team, found.shown.version, found.shown.turn)
        begin = time_event(int(self._clock.now(found.seat.platform_id).timestamp() * 1000))
        return EventStream(states, write, begin, nothing_else)

    async def export(self, request: Request) -> Answer:
        """Answer with what is stored about the seat."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        written = translate.seat(found.seat, found.shown.campaign.currency)
        body = body_of(JSON, MessageToJson(written, preserving_proto_field_name=True).encode())
        headers = [*self._headers, (b"content-disposition", b'attachment; filename="seat.json"')]
        return answered(request, body, headers)

    async def ask_leave(self, request: Request) -> Answer:
        """Ask whether the seat is to be given back, and say what that means."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        view = self._view(found)
        if not view.may_leave:
            return redirect(view.path, self._headers)
        nonce = secrets.token_urlsafe(16)
        return self._answer(request, self._pages.filled("leave.html", found.words, view=view, nonce=nonce))

    async def leave(self, request: Request) -> Answer:
        """Give the seat back; the same form sent twice does so once."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        nonce = (await _form(request)).get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            return redirect(f"{found.member.path}/leave", self._headers)
        return await self._decided(request, found, "MemberPageLeave", nonce, domain.Leave())

    async def invite(self, request: Request) -> Answer:
        """Make the member's own link, once."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        seat = found.seat
        command = domain.NewInvite(ids.new_id(), seat.member_id, "", _CHANNEL, "", "", None)
        once = f"{translate.seat_id(seat.campaign_id, seat.seat_id)[-24:]}"
        return await self._decided(request, found, "MemberPageInvite", once, command)

    async def turn_messages(self, request: Request) -> Answer:
        """Turn the member's messages on or off, as the button said; the same form sent twice changes nothing more."""
        found = await self._find(request)
        if isinstance(found, Answer):
            return found
        wanted, seat = (await _form(request)).get("on"), found.seat
        if self._messages is None or wanted not in {"yes", "no"}:
            return redirect(found.member.path, self._headers)
        if await self._messages.turn(seat.platform_id, seat.member_id, on=wanted == "yes"):
            return redirect(found.member.path, self._headers)
        words = found.words
        texts = {"heading": words.say("my_refused"), "text": words.say("my_messages_failed")}
        return self._answer(request, self._pages.filled("notice.html", words, **texts), 503)

    async def _decided(self, request: Request, found: _Found, rpc: str, once: str, command: Command) -> Answer:
        """Have a command decided, then show the page again; or say why not."""
        seat = found.seat
        key = requests.RequestKey(seat.campaign_id, seat.platform_id, rpc, once, b"")
        is_invite = isinstance(command, domain.NewInvite)
        team_id, seat_id = (seat.team_id, None) if is_invite else (None, seat.seat_id)
        try:
            await self._submit(Ask(seat.platform_id, seat.campaign_id, command, key, team_id, seat_id))
        except Rejected as refused:
            said = reasons()[refused.reason].buyer_sentence(found.words.language, refused.metadata)
            texts = {"heading": found.words.say("my_refused"), "text": said or found.words.say("broken")}
            return self._answer(request, self._pages.filled("notice.html", found.words, **texts), 409)
        return redirect(found.member.path, self._headers)

    async def _find(self, request: Request, *, with_messages: bool = False) -> _Found | Answer:
        address = request.client.host if request.client else ""
        words = languages.words_read(request)
        if self._guesses.is_blocked(address):
            return answered(request, self._pages.notice("busy", words), self._headers, 429)
        found = await self._opened(request.path_params["token"], request, with_messages=with_messages)
        if found is None:
            self._guesses.add(address)
            return answered(request, self._pages.notice("unknown", words), self._headers, 404)
        return found

    async def _opened(
        self, token: str, request: Request, shown: Shown | None = None, *, with_messages: bool = False
    ) -> _Found | None:
        """Find what a token opens; None for one that is none, or was taken back."""
        read = self._links.read(token)
        if read is None:
            return None
        campaign_id, seat_id, number = read
        async with self._database.read() as connection:
            seat = await shelf.find_linked(connection, campaign_id, seat_id)
            good = await shelf.find_number(connection, campaign_id, seat_id)
            invite = await shelf.find_own_invite(connection, seat) if seat else None
        if seat is None or number != good:
            return None
        team = translate.team_id(campaign_id, seat.team_id)
        asking = self._ask_messages(seat) if with_messages else None
        shown = shown or await self._live.now(seat.platform_id, team)
        link = self._codes.url(self._codes.code(invite.invite_id)) if invite else ""
        path = urlsplit(self._links.url(campaign_id, seat_id, number)).path
        texts = tuple(text.language for text in shown.campaign.presentation.texts)
        words, title_language = languages.read_by(request, texts)
        messages = await asking if asking else None
        return _Found(token, seat, shown, Member(seat, shown, path, link), words, title_language, messages)

    def _ask_messages(self, seat: Seat) -> "asyncio.Task[bool | None] | None":
        """Ask whether the member's messages are on, beside what the page needs besides."""
        if self._messages is None:
            return None
        return asyncio.create_task(self._messages.are_on(seat.platform_id, seat.member_id))

    def _view(self, found: _Found) -> MemberView:
        now = self._clock.now(found.seat.platform_id)
        refusal = leave_refusal(found.shown.team, found.shown.terms.rules, found.seat, now)
        return member_view(found.member, found.words, found.title_language, may_leave=refusal is None)

    def _html(self, found: _Found) -> bytes:
        view = self._view(found)
        qr = f"{urlsplit(view.link).path}/qr.svg" if view.link else ""
        base = view.path.removesuffix(f"/m/{found.token}")
        script, messages = self._pages.script(base), found.messages
        return self._pages.filled(
            "member.html", found.words, view=view, version=found.version, qr=qr, script=script, messages=messages
        )

    def _answer(self, request: Request, html: bytes, status: int = 200) -> Answer:
        return answered(request, body_of(HTML, html), self._headers, status)


async def nothing_else() -> bytes:
    """Say that nothing changes without the team: every change of a seat is one of its team."""
    return b""


async def _form(request: Request) -> dict[str, str]:
    """Read a small form; what is too large or no form is an empty one."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > _LARGEST_FORM:
            return {}
    try:
        fields = parse_qs(read.decode("ascii"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
