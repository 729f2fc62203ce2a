"""Answers in WeCom: messages of the application that was called, to the member who called.

Source: https://developer.work.weixin.qq.com/document/path/90236 (textcard: title 128 bytes, description 512, button of
four characters; news: up to eight articles; text 2048 bytes, with `<a>`).

Descriptions of cards and texts know tags, and there is no escape: `<` is written as the full-width sign that looks
alike. A secret belongs to one application: a call that came to another one cannot be answered by this account.
There is no idempotency key.
"""

from collections.abc import Mapping
from typing import Any

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, problems
from services.notification.answering.words import joined, packed, told
from services.notification.channels import Account, Http, Misconfigured, Outcome
from services.notification.channels.messenger import shortened, utf8
from services.notification.channels.wechat import harmless
from services.notification.channels.wecom import LONGEST_BYTES, WeComApi

_LONGEST_TITLE_BYTES = 128
_LONGEST_DESCRIPTION_BYTES = 512
_LONGEST_LABEL = 4
_MOST_ARTICLES = 8
_TO = form(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", "a userid")
_AGENT = form(r"[0-9]{1,10}", "an AgentId")


class WeComAnswer:
    """Answers a message or a menu."""

    name = "wecom"
    channel = "wecom"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._api = WeComApi(http)

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for to, and for agent_id where there is one."""
        return problems(values, {"to": _TO}, {"agent_id": _AGENT})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Send a message of the application."""
        ours = account.settings.get("agent_id", "0")
        if answer.values.get("agent_id", "") not in {"", ours}:
            return Misconfigured("the call came to another application than the one that PutChannel has set up")
        return await self._api.send(account, {"touser": answer.values["to"], "agentid": int(ours), **_message(answer)})


def _message(answer: ChatAnswer) -> dict[str, Any]:
    if answer.cards and all(card.button_url for card in answer.cards):
        if len(answer.cards) == 1:
            return {"msgtype": "textcard", "textcard": _textcard(answer.cards[0])}
        articles = [_article(card) for card in answer.cards[:_MOST_ARTICLES]]
        return {"msgtype": "news", "news": {"articles": articles}}
    text = joined(packed(answer.cards, LONGEST_BYTES, _size, link=True)) if answer.cards else answer.text
    return {"msgtype": "text", "text": {"content": shortened(harmless(text), LONGEST_BYTES, utf8)}}


def _textcard(card: Card) -> dict[str, str]:
    label = {"btntxt": card.button_label} if len(card.button_label) <= _LONGEST_LABEL else {}
    return {**_words(card), "url": card.button_url, **label}


def _article(card: Card) -> dict[str, str]:
    return {**_words(card), "url": card.button_url} | ({"picurl": card.picture_url} if card.picture_url else {})


def _words(card: Card) -> dict[str, str]:
    return {
        "title": shortened(harmless(card.title), _LONGEST_TITLE_BYTES, utf8),
        "description": harmless(told(Card("", card.lines, card.footer), _LONGEST_DESCRIPTION_BYTES, _size)).strip(),
    }


def _size(text: str) -> int:
    return utf8(harmless(text))
