"""Answers in WeChat: customer service messages of an official account or Mini Program.

Source: https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage (request, kinds of
messages, how many and for how long); errors as in channels/wechat.py, besides 45015 (time is over) and 45047 (too
many), which refuse.

Within 48 hours after somebody wrote five messages are taken, after a scan, a menu or a follow three within a minute.
WeChat takes one article a message: several cards go as text with their links. A text's `<a>` would be a link, and there
is no escape for it: `<` is written as the full-width sign that looks alike. There is no idempotency key.
"""

from collections.abc import Mapping
from typing import Any

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import problems
from services.notification.answering.words import joined, packed, told
from services.notification.channels import Account, Http, Outcome
from services.notification.channels.messenger import shortened, utf8
from services.notification.channels.wechat import LONGEST_BYTES, OPENID, WeChatApi, harmless, is_mini

_LONGEST_TITLE_BYTES = 128
_LONGEST_DESCRIPTION_BYTES = 1000
_TO = OPENID, "must be an openid"


class WeChatAnswer:
    """Answers a message."""

    name = "wechat"
    channel = "wechat"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._api = WeChatApi(http)

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for to; the account itself is known by the platform's own."""
        return problems(values, {"to": _TO})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Send a customer service message."""
        return await self._api.send(account, "custom", {"touser": answer.values["to"], **_message(answer, account)})


def _message(answer: ChatAnswer, account: Account) -> dict[str, Any]:
    if len(answer.cards) == 1 and answer.cards[0].button_url and not is_mini(account):
        return {"msgtype": "news", "news": {"articles": [_article(answer.cards[0])]}}
    text = joined(packed(answer.cards, LONGEST_BYTES, _size, link=True)) if answer.cards else answer.text
    return {"msgtype": "text", "text": {"content": shortened(harmless(text), LONGEST_BYTES, utf8)}}


def _article(card: Card) -> dict[str, str]:
    rest = Card("", card.lines, card.footer)
    article = {
        "title": shortened(card.title, _LONGEST_TITLE_BYTES, utf8),
        "description": told(rest, _LONGEST_DESCRIPTION_BYTES, utf8).strip(),
        "url": card.button_url,
    }
    return article | ({"picurl": card.picture_url} if card.picture_url else {})


def _size(text: str) -> int:
    return utf8(harmless(text))
