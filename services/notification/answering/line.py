"""Answers in LINE: reply messages.

Sources: https://developers.line.biz/en/reference/messaging-api/#send-reply-message (once for a reply token, and soon:
a later one is "Invalid reply token", 400, which refuses), #flex-message (a carousel has up to 12 bubbles and 50 KB).

Nothing in a text is markup. An attempt whose end is not known and that had arrived is refused when it is tried again.
"""

import json
from collections.abc import Mapping
from typing import Any

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, problems
from services.notification.answering.words import packed
from services.notification.channels import Account, Http, Outcome
from services.notification.channels.line import LONGEST_TEXT, box, button, call_api, flex, within

_LONGEST_BYTES = 20_000  # of what cards say
_TOKEN = form(r"[A-Za-z0-9]{8,200}", "a replyToken")


class LineAnswer:
    """Replies to an event."""

    name = "line"
    channel = "line"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for reply_token."""
        return problems(values, {"reply_token": _TOKEN})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Reply with bubbles, or with a text."""
        message = {"replyToken": answer.values["reply_token"], "messages": [_message(answer)]}
        return await call_api(self._http, account, "reply", message)


def _message(answer: ChatAnswer) -> dict[str, Any]:
    if not answer.cards:
        return {"type": "text", "text": within(answer.text, LONGEST_TEXT)}
    bubbles = [_bubble(card) for card, _ in packed(answer.cards, _LONGEST_BYTES, _written, link=True)]
    contents = bubbles[0] if len(bubbles) == 1 else {"type": "carousel", "contents": bubbles}
    return flex(answer.cards[0].title, contents)


def _bubble(card: Card) -> dict[str, Any]:
    lines = [_text(card.title, weight="bold"), *(_text(line, size="sm") for line in card.lines)]
    if card.footer:
        lines.append(_text(card.footer, size="xs"))
    bubble: dict[str, Any] = {"type": "bubble", "body": box(*lines)}
    if card.picture_url:
        bubble["hero"] = {"type": "image", "url": card.picture_url, "size": "full", "aspectMode": "cover"}
    if card.button_url:
        bubble["footer"] = box(button(card.button_url, card.button_label))
    return bubble


def _text(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "wrap": True, **looks}


def _written(text: str) -> int:
    return len(json.dumps(text).encode())
