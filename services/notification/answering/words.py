"""The words of an answer: harmless, and within what a service takes."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from services.notification.answering import Card
from services.notification.channels.messenger import one_line, shortened

LONGEST_TITLE = 200
LONGEST_LINE = 200
MOST_LINES = 12
LONGEST_LABEL = 80
LONGEST_FOOTER = 300
_TURNS = {"\u202d", "\u202e"}
"""Overrides of direction (UAX 9, section 2.2): they make others read what is not written. Marks and isolates stay."""
_GAP = "\n\n"
Size = Callable[[str], int]
"""Counts a text as a service does."""


def cleaned(text: str) -> str:
    """Leave out what is no writing: control characters other than line breaks, and overrides of direction."""
    kept = (sign for sign in text if sign == "\n" or (unicodedata.category(sign) != "Cc" and sign not in _TURNS))
    return "".join(kept).strip()


def line(text: str, longest: int) -> str:
    """Write a text as one line of at most so many characters."""
    return shortened(cleaned(one_line(text)), longest)


def card(
    *, title: str, lines: Iterable[str], footer: str, url: str, button_label: str, button_url: str, picture_url: str
) -> Card:
    """Make a card of texts as they come."""
    written = (line(item, LONGEST_LINE) for item in lines)
    return Card(
        title=line(title, LONGEST_TITLE),
        lines=tuple(filter(None, written))[:MOST_LINES],
        footer=line(footer, LONGEST_FOOTER),
        url=url,
        button_label=(line(button_label, LONGEST_LABEL) or shortened(button_url, LONGEST_LABEL)) if button_url else "",
        button_url=button_url,
        picture_url=picture_url,
    )


def body(card: Card) -> str:
    """Write title and lines."""
    return "\n".join((card.title, *card.lines))


def told(card: Card, longest: int, size: Size = len, *, link: bool = False) -> str:
    """Write a card as a text of at most so many; `link` writes its link, whole. The footer has half of the rest."""
    last = f"\n{card.button_label}: {card.button_url}" if link and card.button_url else ""
    left = longest - size(last)
    footer = shortened(f"\n{card.footer}", left // 2, size) if card.footer else ""
    return shortened(body(card), left - size(footer), size) + footer + last


def packed(cards: Sequence[Card], longest: int, size: Size = len, *, link: bool = False) -> list[tuple[Card, str]]:
    """Write as many cards as fit into a text: the first one in any case, the others whole or not at all."""
    first, *others = cards
    shown = [(first, told(first, longest, size, link=link))]
    left = longest - size(shown[0][1])
    for item in others:
        text = told(item, longest, size, link=link)
        left -= size(_GAP + text)
        if left < 0:
            break
        shown.append((item, text))
    return shown


def joined(shown: Iterable[tuple[Card, str]]) -> str:
    """Write the texts of cards as one."""
    return _GAP.join(text for _, text in shown)
