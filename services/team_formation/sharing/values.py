"""What of an invite is shared, in a language: title, price as it is now, and the words of whoever invites."""

import re
from unicodedata import category

from services.chassis import formats
from services.team_formation.domain import Campaign, Invite, Role, Team, Terms
from services.team_formation.sharing.links import Shared
from services.team_formation.sharing.words import FALLBACK, LANGUAGES, WORDS

# Left to itself, any of these would turn around what follows, the link too. Marks such as U+200F end by themselves.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def shared(
    invite: Invite, campaign: Campaign, team: Team, terms: Terms, *, link: str, code: str, language: str
) -> Shared:
    """Gather the values of an invite's share links in a BCP 47 language; empty means the campaign's first."""
    texts = {text.language: text.title for text in campaign.presentation.texts}
    first = campaign.presentation.texts[0].language
    title_language = formats.best_match(language or first, tuple(texts), first)
    words = words_language(language, title_language)
    return Shared(
        link,
        code,
        plain(texts[title_language]),
        plain(invite.label),
        plain(invite.note),
        price_now(campaign, team, terms, language or title_language, words),
        plain(campaign.presentation.seller),
        words,
        _disclosure(invite, words),
    )


def disclosure(invite: Invite, language: str) -> str:
    """Write what has to be said wherever an invite is shown that earns a commission; in English by default."""
    return _disclosure(invite, words_language(language, FALLBACK))


def _disclosure(invite: Invite, words: str) -> str:
    return WORDS[words].disclosure if invite.commission_basis_points > 0 else ""


def words_language(language: str, title_language: str) -> str:
    """Choose the language of our own words: the one asked for, else the title's, else English."""
    beside_title = formats.best_match(title_language, LANGUAGES, FALLBACK)
    return formats.best_match(language, LANGUAGES, beside_title) if language else beside_title


def price_now(campaign: Campaign, team: Team, terms: Terms, language: str, words: str) -> str:
    """Write the unit price of a member's place at the team's confirmed fill, or the one that it formed with.

    It is the price of the item that a live host shows; otherwise the lowest of all items, said to be that where they
    differ.
    """
    table = terms.price_table
    fill = team.price_fill(table.basis)
    prices = {row.sku: row.at(fill).unit_price for row in table.rows if row.role is Role.MEMBER}
    shown = prices.get(campaign.shown_sku, min(prices.values()))
    locale = formats.locale_for(language, words)
    text = formats.money(shown, table.currency, locale)
    is_one = campaign.shown_sku in prices or len(set(prices.values())) == 1
    return text if is_one else WORDS[words].from_price.format(price=text)


def plain(text: str) -> str:
    """Give a text as one line, without what turns around the direction of what follows it."""
    kept = _TURNING.sub("", text)
    return "".join(" " if category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in kept).strip()
