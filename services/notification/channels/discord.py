"""The channel `discord`: messages by the platform's own bot, to members directly or into a channel of a server.

Sources, below https://discord.com/developers/docs/: resources/user#create-dm, resources/message#create-message (nonce,
enforce_nonce, lengths) and #edit-message, components/reference#button, topics/rate-limits,
topics/opcodes-and-status-codes (errors).

The nonce is the beginning of the delivery's id: within some minutes Discord answers the same one with the message of
before.
Text is escaped, so that nothing in it is markup; nobody is mentioned, and links show no preview.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

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
    escaped_within,
    moved,
    no_answer_of,
    shortened,
    text_of,
)

LONGEST_TEXT = 2000
_LONGEST_LABEL = 80
LONGEST_LINK = 512
_NONCE = 25
_NO_PREVIEWS = 4
_ROW, _BUTTON, _LINK = 1, 2, 5
_API = "https://discord.com/api/v10"
_NAME = "Discord API"
_AGENT = "DiscordBot (groupbuy, 1)"
"""In the form that Discord asks for (reference#user-agent); others may be turned away before the API."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{18,40}\.[A-Za-z0-9_-]{4,12}\.[A-Za-z0-9_-]{20,60}")
_TO = re.compile(r"(channel:)?[1-9][0-9]{16,19}")
MARKUP = re.compile(r"([\\*_~`|<>#@:\[\]()\-])")
_OURS = {40001, 40002, 50014}
"""The bot is not let in, or has to be verified; its token is wrong."""
_LATER = {20016, 20028, 20029, 40004, 40006, 40062, 40333, 110001, 130000}
"""Limits of slow mode, channel, server and resource; sending switched off for now; stopped before the API; the
application not ready; the resource overloaded."""
_DIRECT_TOO_FAST = 40003
_GONE = {10003, 10013, 50007, 50278}
"""No such channel or user; the user takes nothing from the bot, or shares no server with it."""
_MOST_KEPT = 10_000


class DiscordChannel:
    """Writes to members and channels as a bot."""

    name = "discord"
    setup = Setup(
        fields=(
            Field("token", "the bot's token, from its page in the developer portal", secret=True),
            Field("base_url", f"of the API; {_API} if it is left out", required=False),
        ),
        has_buttons=True,
        has_second_button=True,
        edits=True,
        per_second=25.0,  # 50 requests a second, and a member's first message takes two
    )

    def __init__(self, http: Http) -> None:
        self._http = http
        self._rooms: dict[tuple[UUID, int, str], str] = {}
        """Channels of direct messages, by platform, version of its account, and member."""

    def check(self, address: str) -> str | None:
        """Accept a user's id, or channel: and a channel's id."""
        if not _TO.fullmatch(address):
            return "must be a user's id, 17 to 20 digits, or channel: and the id of a channel"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of the token, and at the URL."""
        return account_problems(self._http, settings, _TOKEN, "must be a bot's token: three parts with dots between")

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Find the channel and create the message, or edit it."""
        room = await self._room(letter.address, account)
        if not isinstance(room, str):
            return room
        path = f"channels/{room}/messages"
        if letter.edits:
            reply = await self._call(account, f"{path}/{letter.edits}", _message(letter), method="PATCH")
        else:
            reply = await self._call(account, path, _message(letter) | _nonce(letter))
        return outcome_of(reply) if isinstance(reply, Reply) else reply

    async def close(self) -> None:
        """Keep nothing of its own."""

    async def _room(self, address: str, account: Account) -> str | Outcome:
        """Give the id of the channel; a member's is asked for once, and is always the same."""
        if address.startswith("channel:"):
            return address.removeprefix("channel:")
        key = account.platform_id, account.version, address
        if key not in self._rooms:
            reply = await self._call(account, "users/@me/channels", {"recipient_id": address})
            if not isinstance(reply, Reply):
                return reply
            outcome = outcome_of(reply)
            if not isinstance(outcome, Sent):
                return outcome
            if len(self._rooms) >= _MOST_KEPT:
                self._rooms.clear()
            self._rooms[key] = outcome.provider_id
        return self._rooms[key]

    async def _call(
        self, account: Account, path: str, json: Mapping[str, Any], method: str = "POST"
    ) -> Reply | Outcome:
        headers = {"Authorization": f"Bot {account.settings.get('token', '')}"}
        return await call_api(self._http, account, path, json, headers, method=method)


async def call_api(
    http: Http,
    account: Account,
    path: str,
    json: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
) -> Reply | Outcome:
    """Call the API; an outcome where no answer came."""
    return await call(http, account, _API, path, json, {**(headers or {}), "User-Agent": _AGENT}, method=method)


def _message(letter: Letter) -> dict[str, Any]:
    shown = [(link, label) for link, label in buttons_of(letter) if len(link) <= LONGEST_LINK]
    text = text_of(letter) + "".join(f"\n{link}" for link, _ in buttons_of(letter) if len(link) > LONGEST_LINK)
    message: dict[str, Any] = {
        "content": escaped_within(text, MARKUP, LONGEST_TEXT),
        "allowed_mentions": {"parse": []},
        "flags": _NO_PREVIEWS,
    }
    if shown:
        message["components"] = [row(*(button(link, label) for link, label in shown))]
    return message


def button(link: str, label: str) -> dict[str, Any]:
    """Make a button that opens a link of at most 512 characters."""
    return {"type": _BUTTON, "style": _LINK, "label": shortened(label, _LONGEST_LABEL), "url": link}


def row(*buttons: Mapping[str, Any]) -> dict[str, Any]:
    """Put up to five buttons beside each other."""
    return {"type": _ROW, "components": list(buttons)}


def _nonce(letter: Letter) -> dict[str, Any]:
    return {"nonce": letter.delivery_id.hex[:_NONCE], "enforce_nonce": True}


def outcome_of(reply: Reply) -> Outcome:
    """Read an answer: an object with an id, or `code` and `message`; 429 says for how long, and whether for all."""
    if problem := moved(reply):
        return problem
    said = reply.json()
    if reply.status == 429:  # noqa: PLR2004
        return Retry("HTTP 429", _rest(said, reply), whole_account=said.get("global") is True)
    if reply.is_good and isinstance(said.get("id"), str):
        return Sent(said["id"])
    code = said.get("code")
    return _error(code, reply) if isinstance(code, int) else no_answer_of(_NAME, reply)


def _error(code: int, reply: Reply) -> Outcome:
    if reply.status == 401 or code in _OURS:  # noqa: PLR2004
        return Misconfigured(f"code {code}: look at the bot and its token; PutChannel takes a new one")
    if code == _DIRECT_TOO_FAST:
        return Retry(f"code {code}", timedelta(minutes=1), whole_account=True)
    if code in _LATER or reply.is_busy:
        return Retry(f"code {code}", reply.retry_after())
    return Refused(f"code {code}", is_gone=code in _GONE)


def _rest(said: Mapping[str, Any], reply: Reply) -> timedelta | None:
    seconds = said.get("retry_after")
    if isinstance(seconds, int | float) and 0 <= seconds < 10**6:
        return timedelta(seconds=seconds)
    return reply.retry_after()
