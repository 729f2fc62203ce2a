"""Answers in Discord: follow-ups to an interaction.

Sources, below https://discord.com/developers/docs/: interactions/receiving-and-responding#create-followup-message and
#edit-followup-message (the
token holds for 15 minutes; after a deferred answer the first one takes its place, and is private if that was),
resources/message#embed-object-embed-limits (6000 characters in all), components/reference#button (link 512),
topics/opcodes-and-status-codes (10015 and 50027: the token is not known, or over).

The interaction's token is the permission, the bot's is not sent. Text is escaped, so that nothing in it is markup, and
nobody is mentioned. There is no idempotency key.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from services.notification.answering import Card, ChatAnswer
from services.notification.answering.values import form, problems
from services.notification.answering.words import body, packed
from services.notification.channels import Account, Http, Outcome, Refused
from services.notification.channels.discord import (
    LONGEST_LINK,
    LONGEST_TEXT,
    MARKUP,
    button,
    call_api,
    outcome_of,
    row,
)
from services.notification.channels.http import Reply
from services.notification.channels.messenger import escaped_within

_LONGEST_IN_ALL = 5500
_LONGEST_TITLE, _LONGEST_BODY, _LONGEST_FOOTER = 256, 4096, 2048
_IN_A_ROW = 5
_ONLY_THEM = 64
_OVER = {10015, 50027}
_APPLICATION = form(r"[1-9][0-9]{16,19}", "the id of an application")
_MESSAGE = form(r"[1-9][0-9]{16,19}", "the id of a message")
_TOKEN = form(r"[A-Za-z0-9._=-]{20,500}", "the token of an interaction")


class DiscordAnswer:
    """Answers a command, a button or a form. It needs no account; one may have the URL of an API of its own."""

    name = "discord"
    channel = "discord"
    needs_account = False
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for application_id and token, and for edits where it is."""
        return problems(values, {"application_id": _APPLICATION, "token": _TOKEN}, {"edits": _MESSAGE})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Create the follow-up, or edit it."""
        path = f"webhooks/{answer.values['application_id']}/{answer.values['token']}"
        if edits := answer.values.get("edits"):
            # what an edit leaves out stays: a button that is to go has to be named
            changed = {"content": "", "embeds": [], "components": [], **_message(answer)}
            changed.pop("flags", None)
            reply = await call_api(self._http, account, f"{path}/messages/{edits}", changed, method="PATCH")
        else:
            reply = await call_api(self._http, account, path, _message(answer))
        return _outcome(reply) if isinstance(reply, Reply) else reply


def _outcome(reply: Reply) -> Outcome:
    """Read an answer as that of every call; what is said of a token is said of the interaction's."""
    code = reply.json().get("code")
    if code in _OVER or reply.status == 401:  # noqa: PLR2004
        return Refused(f"code {code}: the interaction's 15 minutes are over")
    return outcome_of(reply)


def _message(answer: ChatAnswer) -> dict[str, Any]:
    message: dict[str, Any] = {"allowed_mentions": {"parse": []}}
    if answer.is_private:
        message["flags"] = _ONLY_THEM
    if not answer.cards:
        return message | {"content": escaped_within(answer.text, MARKUP, LONGEST_TEXT)}
    cards = [card for card, _ in packed(answer.cards, _LONGEST_IN_ALL, _written)]
    message["embeds"] = [_embed(card) for card in cards]
    buttons = iter([button(card.button_url, card.button_label) for card in cards if _fits(card)])
    rows = [row(*some) for some in iter(lambda: list(islice(buttons, _IN_A_ROW)), [])]
    return message | ({"components": rows} if rows else {})


def _embed(card: Card) -> dict[str, Any]:
    text = body(Card("", card.lines)).strip()
    embed: dict[str, Any] = {"title": escaped_within(card.title, MARKUP, _LONGEST_TITLE)}
    if text:
        embed["description"] = escaped_within(text, MARKUP, _LONGEST_BODY)
    if card.footer:
        embed["footer"] = {"text": card.footer[:_LONGEST_FOOTER]}
    if card.button_url and not _fits(card):
        embed["url"] = card.button_url
    if card.picture_url:
        embed["image"] = {"url": card.picture_url}
    return embed


def _fits(card: Card) -> bool:
    return 0 < len(card.button_url) <= LONGEST_LINK


def _written(text: str) -> int:
    return len(MARKUP.sub(r"\\\1", text))
