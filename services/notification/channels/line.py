"""The channel `line`: push messages of the platform's own LINE Official Account.

Sources: https://developers.line.biz/en/reference/messaging-api/#send-push-message (request, answers, lengths),
https://developers.line.biz/en/docs/messaging-api/retrying-api-request/ (X-Line-Retry-Key, 409),
https://developers.line.biz/en/docs/messaging-api/text-character-count/ and
https://developers.line.biz/en/reference/messaging-api/#rate-limits.

The retry key is the delivery's id: LINE takes the same one once within 24 hours, and says 409 to the second, which is
as good as sent. A push to a member who has blocked the account is taken, and not shown: LINE tells nobody.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.notification.channels import (
    Account,
    Field,
    Http,
    Letter,
    Misconfigured,
    Outcome,
    Refused,
    Retry,
    Sent,
    Setup,
)
from services.notification.channels.http import Reply
from services.notification.channels.messenger import (
    account_problems,
    buttons_of,
    call,
    moved,
    no_answer_of,
    shortened,
    text_of,
    utf16,
)

LONGEST_TEXT = 5000
_LONGEST_LABEL = 40
_LONGEST_LINK = 1000
_LONGEST_ALT = 400
_API = "https://api.line.me"
_NAME = "Messaging API"
_TOKEN = re.compile(r"[A-Za-z0-9+/=._-]{40,400}")
_TO = re.compile(r"[UCR][0-9a-f]{32}")
_MONTH_IS_FULL = timedelta(hours=6)
_TOO_FAST = timedelta(seconds=10)


class LineChannel:
    """Writes to members, groups and rooms as an Official Account."""

    name = "line"
    setup = Setup(
        fields=(
            Field("token", "the channel access token of the Official Account", secret=True),
            Field("base_url", f"of the Messaging API; {_API} if it is left out", required=False),
        ),
        has_buttons=True,
        has_second_button=True,
        per_second=2000.0,
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, address: str) -> str | None:
        """Accept the id of a user, a group or a room."""
        if not _TO.fullmatch(address):
            return "must be the id of a user (U), group (C) or room (R): the letter and 32 hexadecimal digits"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of the token, and at the URL."""
        return account_problems(self._http, settings, _TOKEN, "must be a channel access token, 40 characters or more")

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Push the message."""
        key = {"X-Line-Retry-Key": str(letter.delivery_id)}
        return await call_api(self._http, account, "push", _message(letter), key)

    async def close(self) -> None:
        """Keep nothing of its own."""


async def call_api(
    http: Http, account: Account, kind: str, message: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Outcome:
    """Send a message of a kind, as push or reply, by the account's token."""
    headers = {"Authorization": f"Bearer {account.settings.get('token', '')}", **(headers or {})}
    reply = await call(http, account, _API, f"v2/bot/message/{kind}", message, headers)
    return _outcome(reply) if isinstance(reply, Reply) else reply


def _message(letter: Letter) -> dict[str, Any]:
    shown = [(link, label) for link, label in buttons_of(letter) if len(link) <= _LONGEST_LINK]
    text = text_of(letter) + "".join(f"\n{link}" for link, _ in buttons_of(letter) if len(link) > _LONGEST_LINK)
    messages: list[dict[str, Any]] = [{"type": "text", "text": within(text, LONGEST_TEXT)}]
    if shown:
        bubble = {"type": "bubble", "body": box(*(button(link, label) for link, label in shown))}
        messages.append(flex(shown[0][1], bubble))
    return {"to": letter.address, "messages": messages}


def button(link: str, label: str) -> dict[str, Any]:
    """Make a button that opens a link of at most 1000 characters."""
    action = {"type": "uri", "label": shortened(label, _LONGEST_LABEL), "uri": link}
    return {"type": "button", "style": "primary", "action": action}


def box(*contents: Mapping[str, Any]) -> dict[str, Any]:
    """Put components of a Flex Message below each other."""
    return {"type": "box", "layout": "vertical", "contents": list(contents)}


def flex(alt: str, contents: Mapping[str, Any]) -> dict[str, Any]:
    """Make a Flex Message; `alt` is what a notification shows in its place."""
    return {"type": "flex", "altText": within(alt, _LONGEST_ALT), "contents": contents}


def within(text: str, longest: int) -> str:
    """Cut a text to so many UTF-16 units, in which LINE counts (labels apart)."""
    return shortened(text, longest, utf16)


def _outcome(reply: Reply) -> Outcome:
    """Read an answer: sent messages, or `message` in words; 409 is a retry key that was taken before."""
    if problem := moved(reply):
        return problem
    said = reply.json()
    if reply.status == 409 or (reply.is_good and "sentMessages" in said):  # noqa: PLR2004
        return Sent(_id(said) or reply.headers.get("x-line-accepted-request-id", ""))
    words = said.get("message")
    if not isinstance(words, str):
        return no_answer_of(_NAME, reply)
    return _error(reply, words)


def _id(said: Mapping[str, Any]) -> str:
    sent = said.get("sentMessages")
    first = sent[0] if isinstance(sent, list) and sent else {}
    return str(first.get("id", "")) if isinstance(first, dict) else ""


def _error(reply: Reply, words: str) -> Outcome:
    said = f"HTTP {reply.status}"
    if reply.status == 429:  # noqa: PLR2004
        if "monthly limit" in words:
            return Retry(f"{said}: the month's messages are used up", _MONTH_IS_FULL, whole_account=True)
        return Retry(said, reply.retry_after() or _TOO_FAST, whole_account=True)
    if reply.is_busy:
        return Retry(said, reply.retry_after())
    if reply.status in {401, 403}:
        return Misconfigured(f"{said}: look at the Official Account and its token; PutChannel takes a new one")
    return Refused(said)
