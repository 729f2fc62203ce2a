"""A member's own page: how the seat stands, giving it back in two steps, the member's link, and what is stored.

Whoever has the address may do what is on the page, as a bearer of it; nothing is kept by a browser or told to others.
"""

import json
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.chassis import ids, requests
from services.chassis.errors import Rejected
from services.chassis.reasons import reasons
from services.team_formation import domain, translate
from services.team_formation.domain import leave_refusal
from services.team_formation.handlers import Ask, Command
from services.team_formation.web.answers import JSON, Answer, body_of, redirect
from services.team_formation.web.answers import answer as answered
from services.team_formation.web.ground import Ground
from services.team_formation.web.live import Live
from services.team_formation.web.member_door import NONCE, Found, MemberDoor, form_of
from services.team_formation.web.member_talk import MemberTalk, Talk
from services.team_formation.web.member_view import MemberView, member_view
from services.team_formation.web.shown import Shown
from services.team_formation.web.streams import EventStream, time_event

_CHANNEL = "web"


class MemberPages:
    """The pages of members."""

    def __init__(self, ground: Ground, live: Live[str, Shown], door: MemberDoor, talk: MemberTalk) -> None:
        self._clock = ground.clock
        self._submit = ground.submit
        self._live = live
        self._door = door
        self._talk = talk

    def routes(self) -> list[BaseRoute]:
        """List what is answered."""
        return [
            Route("/m/{token}", self.page),
            Route("/m/{token}/events", self.events),
            Route("/m/{token}/export.json", self.export),
            Route("/m/{token}/leave", self.ask_leave),
            Route("/m/{token}/leave", self.leave, methods=["POST"]),
            Route("/m/{token}/invite", self.invite, methods=["POST"]),
            *self._talk.routes(),
        ]

    async def page(self, request: Request) -> Answer:
        """Answer with the page."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        return self._door.answer(request, self._html(found, await self._talk.of(found)))

    async def events(self, request: Request) -> Answer | EventStream[Shown]:
        """Answer with the page each time that the team changes."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found

        async def write(shown: Shown) -> bytes | None:
            again = await self._door.open(found.token, request, shown)
            return self._door.pages.as_event(self._html(again), again.version) if again else None

        team = translate.team_id(found.seat.campaign_id, found.seat.team_id)
        states = self._live.after(found.seat.platform_id, team, found.shown.version, found.shown.turn)
        begin = time_event(int(self._clock.now(found.seat.platform_id).timestamp() * 1000))
        return EventStream(states, write, begin, nothing_else)

    async def export(self, request: Request) -> Answer:
        """Answer with what is stored about the seat."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        written = translate.seat_record(found.seat, found.shown.campaign.currency)
        body = body_of(JSON, json.dumps(written, indent=2, ensure_ascii=False).encode())
        headers = [*self._door.headers, (b"content-disposition", b'attachment; filename="seat.json"')]
        return answered(request, body, headers)

    async def ask_leave(self, request: Request) -> Answer:
        """Ask whether the seat is to be given back, and say what that means."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        view = self._view(found)
        if not view.may_leave:
            return redirect(view.path, self._door.headers)
        nonce = secrets.token_urlsafe(16)
        return self._door.answer(request, self._door.pages.filled("leave.html", found.words, view=view, nonce=nonce))

    async def leave(self, request: Request) -> Answer:
        """Give the seat back; the same form sent twice does so once."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        nonce = (await form_of(request)).get("nonce", "")
        if not NONCE.fullmatch(nonce):
            return redirect(f"{found.member.path}/leave", self._door.headers)
        return await self._decided(request, found, "MemberPageLeave", nonce, domain.Leave())

    async def invite(self, request: Request) -> Answer:
        """Make the member's own link, once."""
        found = await self._door.find(request)
        if isinstance(found, Answer):
            return found
        seat = found.seat
        command = domain.NewInvite(ids.new_id(), seat.member_id, "", _CHANNEL, "", "", None)
        once = f"{translate.seat_id(seat.campaign_id, seat.seat_id)[-24:]}"
        return await self._decided(request, found, "MemberPageInvite", once, command)

    async def _decided(self, request: Request, found: Found, rpc: str, once: str, command: Command) -> Answer:
        """Have a command decided, then show the page again; or say why not."""
        seat = found.seat
        key = requests.RequestKey(seat.campaign_id, seat.platform_id, rpc, once, b"")
        is_invite = isinstance(command, domain.NewInvite)
        team_id, seat_id = (seat.team_id, None) if is_invite else (None, seat.seat_id)
        try:
            await self._submit(Ask(seat.platform_id, seat.campaign_id, command, key, team_id, seat_id))
        except Rejected as refused:
            said = reasons()[refused.reason].buyer_sentence(found.words.language, refused.metadata)
            return self._door.refused(request, found.words, said or found.words.say("broken"))
        return redirect(found.member.path, self._door.headers)

    def _view(self, found: Found) -> MemberView:
        now = self._clock.now(found.seat.platform_id)
        refusal = leave_refusal(found.shown.team, found.shown.terms.rules, found.seat, now)
        return member_view(found.member, found.words, found.title_language, may_leave=refusal is None)

    def _html(self, found: Found, talk: Talk | None = None) -> bytes:
        view, pages = self._view(found), self._door.pages
        qr = f"{urlsplit(view.link).path}/qr.svg" if view.link else ""
        script = pages.script(view.path.removesuffix(f"/m/{found.token}"))
        return pages.filled(
            "member.html", found.words, view=view, version=found.version, qr=qr, script=script, talk=talk
        )


async def nothing_else() -> bytes:
    """Say that nothing changes without the team: every change of a seat is one of its team."""
    return b""
