"""Answers in WhatsApp: messages within the 24 hours after somebody wrote.

Sources, below https://developers.facebook.com/documentation/business-messaging/whatsapp/: messages/text-messages,
messages/interactive-cta-url-messages (lengths), groups/groups-messaging (text, media and templates; nothing
interactive), business-scoped-user-ids (`recipient` in the place of `to`).

Each pair of *, _, ~ or ` would be markup, and there is no escape: those of a card's texts that come twice are written
as signs that look alike. Pictures are left out: one that cannot be loaded costs the whole message, and later, when
nobody hears of it. There is no idempotency key.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, problems
from services.notification.answering.words import joined, packed, told
from services.notification.channels import Account, Http, Outcome
from services.notification.channels.messenger import shortened
from services.notification.channels.whatsapp import LONGEST_TEXT, LONGEST_WITH_BUTTON, send_message, with_button

_GROUP = "group"
_LOOK_ALIKE = {"*": "\N{ASTERISK OPERATOR}", "_": "\N{FULLWIDTH LOW LINE}", "~": "\N{TILDE OPERATOR}", "`": "\u02cb"}
_BY_BUSINESS = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_TO = form(r"[A-Za-z0-9+/=_.:@-]{3,250}", "a number, a group's id or a user's")
_NUMBER = form(r"[0-9]{5,20}", "the id of a number")
_TYPE = form(r"individual|group", "individual or group")


def harmless(text: str) -> str:
    """Write a text so that no pair of marks is in it."""
    for mark, alike in _LOOK_ALIKE.items():
        if text.count(mark) > 1:
            text = text.replace(mark, alike)
    return text


class WhatsAppAnswer:
    """Answers a message, from the number that it came to."""

    name = "whatsapp"
    channel = "whatsapp"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for to, and for type and phone_number_id where they are."""
        return problems(values, {"to": _TO}, {"type": _TYPE, "phone_number_id": _NUMBER})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Send a message."""
        number = answer.values.get("phone_number_id") or account.settings.get("phone_number_id", "")
        return await send_message(self._http, account, number, _to(answer.values) | _message(answer))


def _to(values: Mapping[str, str]) -> dict[str, str]:
    kind = values.get("type") or "individual"
    name = "recipient" if kind != _GROUP and _BY_BUSINESS.fullmatch(values["to"]) else "to"
    return {"messaging_product": "whatsapp", "recipient_type": kind, name: values["to"]}


def _message(answer: ChatAnswer) -> dict[str, Any]:
    cards = [_harmless(card) for card in answer.cards]
    if len(cards) == 1 and cards[0].button_url and answer.values.get("type") != _GROUP:
        text = told(cards[0], LONGEST_WITH_BUTTON)
        return with_button(text, cards[0].button_url, cards[0].button_label)
    text = joined(packed(cards, LONGEST_TEXT, link=True)) if cards else harmless(answer.text)
    return {"type": "text", "text": {"preview_url": False, "body": shortened(text, LONGEST_TEXT)}}


def _harmless(card: Card) -> Card:
    """Look at the texts of a card as one, as WhatsApp does within a line; its link stays as it is."""
    whole = harmless("\n".join((card.title, *card.lines, card.footer, card.button_label))).split("\n")
    title, *lines, footer, label = whole
    return replace(card, title=title, lines=tuple(lines), footer=footer, button_label=label)
