"""What a chat shows of a page and keeps, so only what stays true, as on the preview picture."""

from dataclasses import dataclass

from services.chassis import formats
from services.team_formation.sharing.values import disclosure, plain
from services.team_formation.web.campaign_view import campaign_view
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.picture import Shape
from services.team_formation.web.previews import picture_url, poster_of
from services.team_formation.web.visits import Visit
from services.team_formation.web.wording import text_of
from services.team_formation.web.words import Words


@dataclass(frozen=True, slots=True)
class Card:
    """One card in a reader's language."""

    title: str
    line: str
    """Who invites, and the lowest price with what it takes; first that the inviter earns by it, where it is so."""
    alone: str
    """The title where no line is shown."""
    link: str
    picture: str
    """The address of a square picture."""


def invite_card(visit: Visit, words: Words, title_language: str) -> Card:
    """Make the card of an invite."""
    poster = poster_of(visit, words, title_language)
    price = poster.lowest or poster.alone
    title, label = plain(poster.title), plain(visit.invite.label)
    who = words.say("invites", label=formats.isolated(label, words.locale)) if label else words.say("invited")
    said = disclosure(visit.invite, words.language)
    return Card(
        title=title,
        line=_joined(said, who, price),
        alone=_joined(said, title, price),
        link=visit.link,
        picture=picture_url(visit, words, Shape.SQUARE),
    )


def campaign_card(visit: CampaignVisit, words: Words, title_language: str) -> Card:
    """Make the card of a campaign's page."""
    campaign = visit.shown.campaign
    price = campaign_view(visit, words, title_language).price
    title, line = plain(text_of(campaign, title_language).title), price.text or price.alone_text
    return Card(title, line, _joined(title, line), visit.link, picture_url(visit, words, Shape.SQUARE))


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))
