"""Answers in Slack: previews of links (chat.unfurl), messages (chat.postMessage), and POSTs to a response_url.

Sources, below https://docs.slack.dev/: reference/methods/chat.unfurl (arguments, errors) and
messaging/unfurling-links-in-messages (blocks by URL), reference/methods/chat.postMessage (thread_ts, errors),
reference/methods/chat.update,
interactivity/handling-user-interaction#message_responses (response_type, replace_original; five times within 30
minutes), reference/block-kit/blocks (lengths).

Texts are plain_text, so that nothing in them is markup. Slack loads pictures while it takes a message, and refuses the
message where it cannot: that message is sent once more without them, as the first has left nothing behind.
chat.unfurl called twice changes the same preview; the two others have no idempotency key.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.notification.answering import Card, ChatAnswer, words
from services.notification.answering.values import form, own_url_problem, post, problems
from services.notification.channels import Account, Http, Outcome, Refused, Retry, Sent
from services.notification.channels.http import Reply
from services.notification.channels.messenger import moved, shortened
from services.notification.channels.slack import LONGEST_TEXT, button, call_method, error_of, escaped, plain

_LONGEST_IN_ALL = 12_000  # of a message; "msg_blocks_too_long" above a number that is not said
_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_CHANNEL = form(r"[A-Z0-9]{2,30}", "the id of a conversation")
_TS = form(r"[A-Za-z0-9.-]{1,80}", "the ts of a message")
_UNFURL = form(r"[A-Za-z0-9._-]{1,200}", "an unfurl_id")
_SOURCE = form(r"composer|conversations_history", "composer or conversations_history")
_PICTURE_NOT_TAKEN = re.compile(r"invalid_blocks|invalid_attachments|cannot_parse_attachment|invalid_unfurls_format")
"""Errors of a message whose pictures Slack could not load, and of others."""
_WORD = re.compile(r"[a-z][a-z0-9_]{0,60}")
_URL_IS_OVER = {"expired_url", "used_url"}


class SlackUnfurl:
    """Shows cards in the place of the links in a message."""

    name = "slack_unfurl"
    channel = "slack"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for unfurl_id and source, or for channel and ts."""
        if values.get("unfurl_id") or values.get("source"):
            return problems(values, {"unfurl_id": _UNFURL, "source": _SOURCE})
        return problems(values, {"channel": _CHANNEL, "ts": _TS})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Call chat.unfurl."""
        if not any(card.url for card in answer.cards):
            return Refused("there is no card that stands for a link: a preview shows nothing else")
        names = ("unfurl_id", "source") if answer.values.get("unfurl_id") else ("channel", "ts")
        where = {name: answer.values[name] for name in names}

        async def send(cards: Sequence[Card]) -> Outcome:
            unfurls = {card.url: {"blocks": _blocks(card)} for card in cards if card.url}
            return await call_method(self._http, account, "chat.unfurl", {**where, "unfurls": unfurls})

        return await _sent(answer.cards, send)


class SlackMessage:
    """Writes into a conversation, in its thread."""

    name = "slack_channel"
    channel = "slack"
    needs_account = True
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for channel, and for thread_ts and edits where they are."""
        return problems(values, {"channel": _CHANNEL}, {"thread_ts": _TS, "edits": _TS})

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Call chat.postMessage, or chat.update."""
        if answer.values.get("edits"):
            return await self._changed(answer, account)
        where = {name: answer.values[name] for name in ("channel", "thread_ts") if answer.values.get(name)}

        async def send(cards: Sequence[Card]) -> Outcome:
            message = {**where, **_message(cards, answer.text), "unfurl_links": False, "unfurl_media": False}
            return await call_method(self._http, account, "chat.postMessage", message)

        return await _sent(answer.cards, send)

    async def _changed(self, answer: ChatAnswer, account: Account) -> Outcome:
        where = {"channel": answer.values["channel"], "ts": answer.values["edits"]}

        async def send(cards: Sequence[Card]) -> Outcome:
            return await call_method(self._http, account, "chat.update", {**where, **_message(cards, answer.text)})

        return await _sent(answer.cards, send)


class SlackResponse:
    """Answers a command or a button at the URL that came with it. It needs no token."""

    name = "slack_response_url"
    channel = "slack"
    needs_account = False
    needs_words = True

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Look for a url of Slack's."""
        problem = own_url_problem(self._http, values.get("url", ""), _HOSTS)
        return {"url": problem} if problem else {}

    async def answer(self, answer: ChatAnswer, account: Account) -> Outcome:
        """Post to the URL; the message with the button stays as it is."""
        del account  # the URL is the permission
        kind = {"response_type": "ephemeral" if answer.is_private else "in_channel", "replace_original": False}

        async def send(cards: Sequence[Card]) -> Outcome:
            reply = await post(self._http, answer.values["url"], {**kind, **_message(cards, answer.text)})
            return _response(reply) if isinstance(reply, Reply) else reply

        return await _sent(answer.cards, send)


async def _sent(cards: Sequence[Card], send: Any) -> Outcome:
    """Send cards; without pictures where Slack refuses what is in them."""
    outcome: Outcome = await send(cards)
    if not isinstance(outcome, Refused) or not _PICTURE_NOT_TAKEN.match(outcome.detail):
        return outcome
    if not any(card.picture_url for card in cards):
        return outcome
    again: Outcome = await send([_without_picture(card) for card in cards])
    return again


def _without_picture(card: Card) -> Card:
    return Card(card.title, card.lines, card.footer, card.url, card.button_label, card.button_url)


def _message(cards: Sequence[Card], text: str) -> dict[str, Any]:
    """Write blocks, and what a notification shows in their place."""
    if not cards:
        said = shortened(text, LONGEST_TEXT)
        return {"text": escaped(said), "blocks": [{"type": "section", "text": plain(said)}]}
    shown = [card for card, _ in words.packed(cards, _LONGEST_IN_ALL, link=True)]
    titles = shortened("\n".join(card.title for card in shown), LONGEST_TEXT)
    return {"text": escaped(titles), "blocks": [block for card in shown for block in _blocks(card)]}


def _blocks(card: Card) -> list[dict[str, Any]]:
    section: dict[str, Any] = {"type": "section", "text": plain(shortened(words.body(card), LONGEST_TEXT))}
    if card.picture_url:
        section["accessory"] = {"type": "image", "image_url": card.picture_url, "alt_text": card.title}
    blocks = [section]
    if card.button_url:
        blocks.append(button(card.button_url, card.button_label))
    if card.footer:
        blocks.append({"type": "context", "elements": [plain(card.footer)]})
    return blocks


def _response(reply: Reply) -> Outcome:
    """Read the answer of a response_url: `ok` as text or in JSON, else an error as text or in JSON."""
    if reply.status == 429:  # noqa: PLR2004
        return Retry("HTTP 429", reply.retry_after())
    if moved(reply):
        return Refused(f"HTTP {reply.status}: redirects are not followed")
    said = reply.json()
    if reply.is_good and said.get("ok", True) is True:
        return Sent()
    error = str(said.get("error", "")) or reply.body[:100].decode(errors="replace").strip()
    if error in _URL_IS_OVER:
        return Refused(f"{error}: the response_url was used up, or its 30 minutes are over")
    if _WORD.fullmatch(error):
        return error_of(error, reply)
    said_only = f"HTTP {reply.status} of the response_url"
    return Retry(said_only, reply.retry_after()) if reply.is_busy else Refused(said_only)
