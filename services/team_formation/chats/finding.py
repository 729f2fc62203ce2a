"""Finds what to say to what somebody did in a chat: the cards of the invites that were named, or a word."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from services.chassis.errors import Rejected
from services.team_formation.chats.cards import Card, card_of
from services.team_formation.hooks.reading.incoming import Incoming
from services.team_formation.hooks.reading.words import Command
from services.team_formation.sharing.finding import candidates
from services.team_formation.web.visits import Visits
from services.team_formation.web.words import words_for

_ANSWERED = frozenset({Command.START, Command.STATUS})
"""Commands that are answered in any case."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer is made of: cards, or where there are none a text; neither where nothing is to be said."""

    cards: tuple[Card, ...] = ()
    text: str = ""
    language: str = ""
    is_private: bool = False
    """Nobody else is to see it."""


class Finder:
    """Finds invites of a platform; `link` is what our links begin with."""

    def __init__(self, visits: Visits, link: str) -> None:
        self._visits = visits
        self._link = link

    def is_asked(self, incoming: Incoming) -> bool:
        """Tell, without looking anything up, whether there may be something to say."""
        return incoming.said.command in _ANSWERED or bool(named(incoming, self._link))

    async def cards(self, platform_id: UUID, incoming: Incoming) -> tuple[Card, ...]:
        """Make the cards of the invites that were named; another platform's are as unknown as those that are none."""
        made = [
            await self._card(platform_id, url, code, incoming.language) for url, code in named(incoming, self._link)
        ]
        return tuple(card for card in made if card)

    async def find(self, platform_id: UUID, incoming: Incoming) -> Found:
        """Find what is to be answered."""
        if cards := await self.cards(platform_id, incoming):
            return Found(cards, language=cards[0].language)
        if incoming.said.command not in _ANSWERED:
            return Found()
        words = words_for(incoming.language, "")
        return Found(text=words.say("chat_which"), language=words.language)

    async def _card(self, platform_id: UUID, url: str, code: str, language: str) -> Card | None:
        place = await self._visits.place(code)
        if place is None or place.door.platform_id != platform_id:
            return None
        try:
            visit = await self._visits.visit(place)
        except Rejected:
            return None
        return card_of(visit, url or place.link, language) if visit else None


def named(incoming: Incoming, link: str) -> list[tuple[str, str]]:
    """Find the codes that somebody named, with the links they stood in: behind our link, or as a command's argument.

    Bare words of twelve letters in what people write to each other are no codes: only a command's argument may be one.
    """
    found: dict[str, str] = {}
    for url in incoming.said.links:
        if code := _code_behind(url, link):
            found.setdefault(code, url)
    if incoming.said.command in _ANSWERED and incoming.said.argument:
        for code in candidates(incoming.said.argument, link)[:1]:
            found.setdefault(code, "")
    return [(url, code) for code, url in found.items()]


def _code_behind(url: str, link: str) -> str:
    """Give what stands where a code does in a link of ours; nothing in another one."""
    try:
        theirs, ours = urlsplit(url), urlsplit(link)
    except ValueError:  # for instance a bracket that is not closed
        return ""
    if theirs.netloc.lower() != ours.netloc.lower() or not theirs.path.startswith(ours.path):
        return ""
    return theirs.path.removeprefix(ours.path).partition("/")[0]
