"""A member's own places, as a chat shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from services.chassis import formats
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.team_formation import translate
from services.team_formation.chats.cards import Card
from services.team_formation.domain import Seat, leave_refusal
from services.team_formation.signed_links import MemberLinks
from services.team_formation.store import member_links as shelf
from services.team_formation.web.live import Live
from services.team_formation.web.member_view import Member, MemberView, member_view
from services.team_formation.web.shown import Shown
from services.team_formation.web.words import words_for

MOST = 3
"""That a chat shows at once; the newest."""


@dataclass(frozen=True, slots=True)
class Own:
    """A place of a member, with its view and its own page."""

    seat: Seat
    view: MemberView
    url: str


class OwnSeats:
    """Finds places of members."""

    def __init__(self, database: Database, clock: Clock, links: MemberLinks, live: Live[str, Shown]) -> None:
        self._database = database
        self._clock = clock
        self._links = links
        self._live = live

    async def find(
        self, platform_id: UUID, member_id: str, seats: Sequence[tuple[UUID, UUID]], language: str
    ) -> list[Own]:
        """Find those of some seats that are the member's and live, in words."""
        found: list[Own] = []
        for campaign_id, seat_id in seats:
            async with self._database.read() as connection:
                seat = await shelf.find_linked(connection, campaign_id, seat_id)
                number = await shelf.find_number(connection, campaign_id, seat_id)
            is_theirs = seat and (seat.platform_id, seat.member_id) == (platform_id, member_id)
            if seat and is_theirs and seat.state.is_live and (own := await self._own(seat, number, language)):
                found.append(own)
        return found[:MOST]

    async def _own(self, seat: Seat, number: int, language: str) -> Own | None:
        try:
            shown = await self._live.now(seat.platform_id, translate.team_id(seat.campaign_id, seat.team_id))
        except Rejected:
            return None
        texts = tuple(text.language for text in shown.campaign.presentation.texts)
        title_language = formats.best_match(language or texts[0], texts, texts[0])
        url = self._links.url(seat.campaign_id, seat.seat_id, number)
        now = self._clock.now(seat.platform_id)
        may_leave = leave_refusal(shown.team, shown.terms.rules, seat, now) is None
        member = Member(seat, shown, urlsplit(url).path, "")
        words = words_for(language, title_language)
        return Own(seat, member_view(member, words, title_language, may_leave=may_leave), url)


def card_of_own(own: Own, language: str) -> Card:
    """Make the card of a place: what its page says first, and the way there."""
    view = own.view
    words = words_for(language, view.title_language)
    lines = tuple(line for line in (view.state, view.price, view.due, view.team, view.ends) if line)
    return Card("", view.title, lines, "", words.say("my_title"), own.url, words.language)
