"""The channel `slack`: one call of chat.postMessage, or chat.update, per message, by the platform's own app.

Source: https://docs.slack.dev/reference/methods/chat.postMessage and chat.update (arguments, errors),
https://docs.slack.dev/apis/web-api/ ("Evaluating responses"), https://docs.slack.dev/apis/web-api/rate-limits. The
methods have no idempotency key: a sender that dies, or a connection cut, between the call and its record posts again,
and the member reads it twice.
The text is a block of plain text, so that nothing in it is markup; a link becomes a button, and nothing is unfurled.
"""

import re
from collections.abc import Mapping
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
)

LONGEST_TEXT = 3000  # of a section's text
_LONGEST_LABEL = 75  # of a button's text
_LONGEST_LINK = 3000
_API = "https://slack.com/api"
_TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]{10,250}")
_TO = re.compile(r"[UWCDG][A-Z0-9]{7,20}")
_OURS = frozenset(
    {
        "access_denied",
        "account_inactive",
        "cannot_find_service",  # of chat.unfurl: the app is not set up for links of this workspace
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
"""Errors of the app and its token: no message of the platform gets through."""
_LATER = frozenset(
    {"fatal_error", "internal_error", "rate_limited", "ratelimited", "request_timeout", "service_unavailable"}
)
_GONE = frozenset({"is_archived", "cannot_dm_bot", "messages_tab_disabled"})
"""Errors after which a conversation takes nothing any more. Of one that is not found it is not said for good: another
workspace's token would not find it either."""


class SlackChannel:
    """Writes to members and conversations of a workspace as an app's bot."""

    name = "slack"
    setup = Setup(
        fields=(
            Field("token", "the bot token of the app, xoxb-..., from its page OAuth & Permissions", secret=True),
            Field("base_url", f"of the Web API; {_API} if it is left out", required=False),
        ),
        has_buttons=True,
        has_second_button=True,
        edits=True,  # in conversations: chat.update knows no members
        per_second=5.0,  # "several hundred messages per minute" for a workspace
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, address: str) -> str | None:
        """Accept the id of a member or a conversation."""
        if not _TO.fullmatch(address):
            return "must be the id of a member (U...) or of a conversation (C..., D..., G...), as Slack shows it"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of the token, and at the URL."""
        return account_problems(self._http, settings, _TOKEN, "must be a bot token, which begins with xoxb-")

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Call chat.postMessage, or chat.update."""
        method = "chat.update" if letter.edits else "chat.postMessage"
        return await call_method(self._http, account, method, _message(letter))

    async def close(self) -> None:
        """Keep nothing of its own."""


async def call_method(http: Http, account: Account, method: str, message: Mapping[str, Any]) -> Outcome:
    """Call a method of the Web API by the account's token."""
    headers = {"Authorization": f"Bearer {account.settings.get('token', '')}"}
    reply = await call(http, account, _API, method, message, headers)
    return _outcome(reply) if isinstance(reply, Reply) else reply


def _message(letter: Letter) -> dict[str, Any]:
    text = shortened(text_of(letter), LONGEST_TEXT)
    blocks: list[dict[str, Any]] = [{"type": "section", "text": plain(text)}]
    blocks += [button(link, label) for link, label in buttons_of(letter) if len(link) <= _LONGEST_LINK]
    message = {
        "channel": letter.address,
        "text": escaped(letter.subject.strip() or text),  # what a notification shows in the place of the blocks
        "blocks": blocks,
    }
    return message | ({"ts": letter.edits} if letter.edits else {"unfurl_links": False, "unfurl_media": False})


def button(link: str, label: str) -> dict[str, Any]:
    """Make the block with a button that opens a link of at most 3000 characters."""
    text = plain(shortened(label, _LONGEST_LABEL))
    return {"type": "actions", "elements": [{"type": "button", "text": text, "url": link}]}


def plain(text: str) -> dict[str, Any]:
    """Make a text in which nothing is markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """Write the three characters that Slack's markup is made of."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _outcome(reply: Reply) -> Outcome:
    """Read the answer: `ok`, and `error` where it is not; 429 comes with Retry-After and without JSON."""
    if reply.status == 429:  # noqa: PLR2004
        return Retry("HTTP 429", reply.retry_after(), whole_account=True)
    if problem := moved(reply):
        return problem
    said = reply.json()
    if said.get("ok") is True:
        return Sent(str(said.get("ts", "")))
    if "ok" not in said:
        return no_answer_of("Web API", reply)
    return error_of(str(said.get("error", "")), reply)


def error_of(error: str, reply: Reply) -> Outcome:
    """Say what one of Slack's errors means."""
    if error in _OURS:
        return Misconfigured(f"{error}: look at the app, its scopes and its token; PutChannel takes a new one")
    if error in _LATER or reply.is_busy:
        return Retry(error, reply.retry_after(), whole_account=error in {"rate_limited", "ratelimited"})
    return Refused(error or "no reason given", is_gone=error in _GONE)
