"""Answers in Telegram: a message that replies to the one that was written, and an end to the waiting of a button.

Source: https://core.telegram.org/bots/api ("sendMessage", "editMessageText", "ReplyParameters", "InlineKeyboardMarkup",
"LinkPreviewOptions", "answerCallbackQuery").

Text is sent plain, without a parse mode; Telegram itself makes links of URLs and @names in it. A pressed button shows
that it waits until answerCallbackQuery: that is called first, briefly, and whatever comes of it, as it is only the
sign of waiting, and is refused when the press is some time ago. sendMessage alone says how the answer ended.
There is no idempotency key: an attempt whose end is not known may be seen twice.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, problems
from services.notification.answering.words import joined, packed
from services.notification.channels import Account, Http, Outcome
from services.notification.channels.messenger import shortened, utf16
from services.notification.channels.telegram import LONGEST_TEXT, call_method

WAITING_SECONDS = 3.0
_CHAT = form(r"-?[1-9][0-9]{0,18}", "the id of a chat")
_MESSAGE = form(r"[1-9][0-9]{0,18}", "the id of a message")
_QUERY = form(r"[A-Za-z0-9_-]{1,64}", "the id of a callback query")


class TelegramAnswer:
    """Answers a message or a button."""

    name = "telegram"
    channel = "telegram"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for chat_id, and for message_id, callback_query_id and edits where they are."""
        optional = {"message_id": _MESSAGE, "callback_query_id": _QUERY, "edits": _MESSAGE}
        return problems(values, {"chat_id": _CHAT}, optional)

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Call answerCallbackQuery for a button, then sendMessage; or editMessageText."""
        if edits := answer.values.get("edits"):
            changed = {**_message(answer), "message_id": int(edits)}
            return await call_method(self._http, account, "editMessageText", changed, edits)
        if query := answer.values.get("callback_query_id"):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAITING_SECONDS):
                    await call_method(self._http, account, "answerCallbackQuery", {"callback_query_id": query})
        return await call_method(self._http, account, "sendMessage", _message(answer))


def _message(answer: ChatAnswer) -> dict[str, Any]:
    message: dict[str, Any] = {"chat_id": int(answer.values["chat_id"])}
    if (replied := answer.values.get("message_id")) and not answer.values.get("edits"):
        message["reply_parameters"] = {"message_id": int(replied), "allow_sending_without_reply": True}
    if not answer.cards:
        text = shortened(answer.text, LONGEST_TEXT, utf16)
        return message | {"text": text, "link_preview_options": {"is_disabled": True}}
    shown = packed(answer.cards, LONGEST_TEXT, utf16)
    cards = [card for card, _ in shown]
    message |= {"text": joined(shown), "link_preview_options": _preview(cards)}
    if keyboard := [[{"text": card.button_label, "url": card.button_url}] for card in cards if card.button_url]:
        message["reply_markup"] = {"inline_keyboard": keyboard}
    return message


def _preview(cards: list[Card]) -> dict[str, Any]:
    """Show the picture of a single card above its text; nothing that is in a text is followed."""
    if len(cards) > 1 or not cards[0].picture_url:
        return {"is_disabled": True}
    return {"url": cards[0].picture_url, "prefer_large_media": True, "show_above_text": True}
