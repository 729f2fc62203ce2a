"""Answers in Feishu and Lark: replies, cards in the place of cards, and previews that are asked for again.

Sources, below https://open.feishu.cn/document/: server-docs/im-v1/message/reply (request, uuid, errors),
ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN (interactive/v1/card/update: within 30 minutes, twice for a token, after the callback
has been answered), uAjLw4CM/ukTMukTMukTM/group/im-v2/url_preview/batch_update (up to ten tokens, five calls a second,
once in five seconds for a token), server-docs/im-v1/message-card/patch (a card that the app sent, for 14 days, five
times a second).

Text is plain, and a text alone goes as a card too: a message of the kind text would read `<at>` in it. uuid is derived
from what is answered, so that an answer tried again within an hour is one. batch_update carries no words: Feishu asks
for the preview again. A button's answer takes the place of its card; a text alone does not, and is a reply.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, problems
from services.notification.answering.words import body, packed
from services.notification.channels import Account, Outcome, Sent
from services.notification.channels.feishu import LONGEST_TEXT, FeishuApi, button, card_of, plain
from services.notification.channels.messenger import shortened

_LONGEST_BYTES = 20_000  # of what cards say; a card has 30 KB with all that is around it
_NAMESPACE = UUID("6f3c7c38-3f1e-4a63-9d0b-6a2d4d5f0e11")
_MESSAGE = form(r"om_[A-Za-z0-9_-]{4,80}", "the id of a message, om_...")
_PREVIEW = form(r"[A-Za-z0-9._=-]{1,200}", "a preview_token")
_CARD = form(r"[A-Za-z0-9._=-]{1,200}", "the token of a card, c-...")


class FeishuPreview:
    """Has the preview of a link asked for again."""

    name = "feishu_preview"
    channel = "feishu"
    needs_account = True
    needs_words = False

    def __init__(self, api: FeishuApi) -> None:
        self._api = api

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for preview_token."""
        return problems(values, {"preview_token": _PREVIEW})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Call url_previews/batch_update."""
        tokens = {"preview_tokens": [answer.values["preview_token"]]}
        return await self._api.call(account, "im/v2/url_previews/batch_update", tokens)


class FeishuMessage:
    """Replies to a message."""

    name = "feishu_message"
    channel = "feishu"
    needs_account = True
    needs_words = True

    def __init__(self, api: FeishuApi) -> None:
        self._api = api

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for message_id, or for edits."""
        if values.get("edits"):
            return problems(values, {"edits": _MESSAGE})
        return problems(values, {"message_id": _MESSAGE})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Reply with a card, or edit the one that is there."""
        if edits := answer.values.get("edits"):
            content = {"content": json.dumps(_card(answer), ensure_ascii=False)}
            outcome = await self._api.call(account, f"im/v1/messages/{edits}", content, method="PATCH")
            return Sent(edits) if isinstance(outcome, Sent) else outcome
        return await _reply(self._api, answer, account)


class FeishuCard:
    """Answers a button on a card."""

    name = "feishu_card"
    channel = "feishu"
    needs_account = True
    needs_words = True

    def __init__(self, api: FeishuApi) -> None:
        self._api = api

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for token, and for message_id where there is one."""
        return problems(values, {"token": _CARD}, {"message_id": _MESSAGE})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Update the card; reply to it where there is only a text to say."""
        if not answer.cards and answer.values.get("message_id"):
            return await _reply(self._api, answer, account)
        body = {"token": answer.values["token"], "card": _card(answer)}
        return await self._api.call(account, "interactive/v1/card/update", body)


async def _reply(api: FeishuApi, answer: ChatAnswer, account: Account) -> Outcome:
    content = json.dumps(_card(answer), ensure_ascii=False)
    named = json.dumps(sorted(answer.values.items()))
    message = {"msg_type": "interactive", "content": content, "uuid": str(uuid5(_NAMESPACE, named))}
    return await api.call(account, f"im/v1/messages/{answer.values['message_id']}/reply", message)


def _card(answer: ChatAnswer) -> dict[str, Any]:
    if not answer.cards:
        return card_of([_text(shortened(answer.text, LONGEST_TEXT))])
    parts = [_part(card) for card, _ in packed(answer.cards, _LONGEST_BYTES, _written, link=True)]
    return card_of([element for at, part in enumerate(parts) for element in ([{"tag": "hr"}] if at else []) + part])


def _part(card: Card) -> list[dict[str, Any]]:
    elements = [_text(body(card))]
    if card.button_url:
        elements.append(button(card.button_url, card.button_label))
    if card.footer:
        elements.append({"tag": "note", "elements": [plain(card.footer)]})
    return elements


def _text(text: str) -> dict[str, Any]:
    return {"tag": "div", "text": plain(text)}


def _written(text: str) -> int:
    """Count bytes as they stand in a card that is a text in JSON itself."""
    return len(json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False).encode())
