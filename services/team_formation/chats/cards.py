"""What is shown in a chat of an invite: the page in a few lines, and the button."""

from dataclasses import dataclass

from services.chassis import formats
from services.team_formation.web.view import View, view_of
from services.team_formation.web.visits import Visit
from services.team_formation.web.words import words_for


@dataclass(frozen=True, slots=True)
class Card:
    """A card in words."""

    url: str
    """The link that it stands for, as it was written."""
    title: str
    lines: tuple[str, ...]
    footer: str
    button_label: str
    button_url: str
    language: str


def card_of(visit: Visit, url: str, language: str) -> Card:
    """Make the card of an invite for a reader of a language; empty means the campaign's first.

    Its button leads to the page: that says all before anybody joins, and its address gives no token to a chat.
    """
    texts = tuple(text.language for text in visit.shown.campaign.presentation.texts)
    title_language = formats.best_match(language or texts[0], texts, texts[0])
    words = words_for(language, title_language)
    view = view_of(visit, words, title_language)
    label = view.action_text if view.action_url else words.say("chat_open")
    return Card(url, view.title, _lines(view), view.disclosure, label, view.link, view.language)


def _lines(view: View) -> tuple[str, ...]:
    """Say what matters most first: some services show little more than two lines."""
    if view.price is None or not view.certainty:
        said = [view.inviter, view.heading, view.line]
    else:
        said = [view.inviter, view.line, view.certainty, view.seats.text, view.ends]
    return tuple(line for line in said if line)
