"""What a member's token opens: the seat with its team, the words to say it in, and forms that members send."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from services.team_formation import translate
from services.team_formation.domain import Seat
from services.team_formation.store import member_links as shelf
from services.team_formation.web import languages
from services.team_formation.web.answers import HTML, NO_STORE, Answer, body_of, for_pages
from services.team_formation.web.answers import answer as answered
from services.team_formation.web.ground import Ground
from services.team_formation.web.guesses import Guesses
from services.team_formation.web.live import Live
from services.team_formation.web.member_view import Member
from services.team_formation.web.pages import Assets, Pages
from services.team_formation.web.shown import Shown
from services.team_formation.web.words import Words

NONCE = re.compile(r"[A-Za-z0-9_-]{16,43}")
"""What a form carries, so that the same one sent twice is known."""
_LARGEST_FORM = 16_384
"""Bytes: a question of 1,000 characters of any script, percent-encoded."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a token opens."""

    token: str
    seat: Seat
    shown: Shown
    member: Member
    words: Words
    title_language: str

    @property
    def version(self) -> str:
        """Name what the page shows, as far as it follows the team."""
        return f"{self.shown.version}.{self.shown.turn}"

    @property
    def seat_id(self) -> str:
        """The seat's id as the API has it."""
        return translate.seat_id(self.seat.campaign_id, self.seat.seat_id)


class MemberDoor:
    """Opens tokens, and answers for whatever is behind them: kept by nobody."""

    def __init__(self, ground: Ground, live: Live[str, Shown], pages: Pages, assets: Assets, guesses: Guesses) -> None:
        self._database = ground.database
        self._links = ground.links
        self._codes = ground.codes
        self._live = live
        self._guesses = guesses
        self.pages = pages
        self.headers = for_pages(NO_STORE, assets.style)

    async def find(self, request: Request) -> Found | Answer:
        """Find what a request's token opens, or answer it."""
        address = request.client.host if request.client else ""
        words = languages.words_read(request)
        if self._guesses.is_blocked(address):
            return answered(request, self.pages.notice("busy", words), self.headers, 429)
        found = await self.open(request.path_params["token"], request)
        if found is None:
            self._guesses.add(address)
            return answered(request, self.pages.notice("unknown", words), self.headers, 404)
        return found

    async def open(self, token: str, request: Request, shown: Shown | None = None) -> Found | None:
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
        shown = shown or await self._live.now(seat.platform_id, translate.team_id(campaign_id, seat.team_id))
        link = self._codes.url(self._codes.code(invite.invite_id)) if invite else ""
        path = urlsplit(self._links.url(campaign_id, seat_id, number)).path
        texts = tuple(text.language for text in shown.campaign.presentation.texts)
        return Found(token, seat, shown, Member(seat, shown, path, link), *languages.read_by(request, texts))

    def answer(self, request: Request, html: bytes, status: int = 200) -> Answer:
        """Answer with a page."""
        return answered(request, body_of(HTML, html), self.headers, status)

    def refused(self, request: Request, words: Words, why: str, status: int = 409) -> Answer:
        """Say why something that a member wanted was not done."""
        texts = {"heading": words.say("my_refused"), "text": why}
        return self.answer(request, self.pages.filled("notice.html", words, **texts), status)


async def form_of(request: Request) -> dict[str, str]:
    """Read a small form; what is too large or no form is an empty one."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > _LARGEST_FORM:
            return {}
    try:
        fields = parse_qs(read.decode("ascii"), max_num_fields=10, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
