"""The channel `feishu`: cards by the platform's own app in Feishu, or in Lark, which is the same outside China.

Sources, below https://open.feishu.cn/document/server-docs/: im-v1/message/create (request, uuid, errors),
im-v1/message-card/patch (a card is edited for 14 days, five times a second),
authentication-management/access-token/tenant_access_token_internal (tokens), api-call-guide/frequency-control,
api-call-guide/generic-error-code.

uuid is the delivery's id: the same one is sent once within an hour. Text is plain, so that nothing in it is markup.
"""

import json
import re
from collections.abc import Mapping, Sequence
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
    buttons_of,
    call,
    form_problems,
    moved,
    no_answer_of,
    shortened,
    text_of,
)
from services.notification.channels.tokens import NoToken, Token, Tokens, no_token

LONGEST_TEXT = 5000  # a card has 30 KB
_LONGEST_LABEL = 100
_REGIONS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}
_NAME = "Open Platform"
_TYPES = {"ou": "open_id", "on": "union_id", "oc": "chat_id"}
_TO = re.compile(r"(ou|on|oc)_[0-9a-z]{20,40}")
_FORMS = {
    "app_id": (re.compile(r"cli_[0-9a-z]{10,30}"), "must be the App ID, cli_..."),
    "secret": (re.compile(r"[A-Za-z0-9]{20,64}"), "must be the App Secret"),
    "region": (re.compile(r"(feishu|lark)?"), "must be feishu or lark"),
}
_TOKEN_IS_OLD = {99991661, 99991663, 99991664, 99991668}
_APP_TOO_FAST = {99991400, 11232}
_MONTH_IS_FULL = 99991403
_REST = timedelta(hours=6)
_LATER = {230020, 230049, 11233, 1500, 99991402}
"""Too much to this one chat; trouble of theirs."""
_GONE = {230002, 230029, 230053, 232009}
"""The app is not in the chat; the member has left the company, or takes nothing from the bot; the chat is dissolved."""
_OURS = {10003, 10014, 230006, 230027, 230036, 99991401, 99991543, 99991672}
"""App id or secret, an app without a bot, permissions, the company's key, addresses that may call."""


class FeishuChannel:
    """Writes to members and chats of a company as an app."""

    name = "feishu"
    setup = Setup(
        fields=(
            Field("app_id", "App ID, cli_..."),
            Field("secret", "App Secret", secret=True),
            Field("region", "feishu (so if it is left out) or lark", required=False),
            Field("base_url", "of the API; the region's if it is left out", required=False),
        ),
        has_buttons=True,
        has_second_button=True,
        edits=True,
        per_second=16.0,  # 50 a second, but 1000 a minute
    )

    def __init__(self, http: Http) -> None:
        self._http = http
        self._api = FeishuApi(http)

    def check(self, address: str) -> str | None:
        """Accept an open id, a union id or a chat id."""
        if not _TO.fullmatch(address):
            return "must be an open_id (ou_...), a union_id (on_...) or a chat_id (oc_...)"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of every field."""
        return form_problems(self._http, settings, _FORMS)

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Send a card, or edit it."""
        method, to, message = ("PATCH", f"/{letter.edits}", {}) if letter.edits else ("POST", *_to(letter))
        message = {"content": _card(letter), **message}
        outcome = await self._api.call(account, f"im/v1/messages{to}", message, method=method)
        # The id of a card that was edited is not said again.
        return Sent(letter.edits) if letter.edits and isinstance(outcome, Sent) else outcome

    async def close(self) -> None:
        """Keep nothing of its own."""


class FeishuApi:
    """Calls the Open Platform as an app, and keeps the tokens of apps."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tokens = Tokens(self._fetch)

    async def call(self, account: Account, path: str, body: Mapping[str, Any], *, method: str = "POST") -> Outcome:
        """Call a path below open-apis by the account's app."""

        async def ask(token: str) -> Reply | Outcome:
            headers = {"Authorization": f"Bearer {token}"}
            return await call(self._http, account, _api(account), f"open-apis/{path}", body, headers, method=method)

        reply = await self._tokens.call(account, ask, lambda reply: reply.json().get("code") in _TOKEN_IS_OLD)
        return _outcome(reply) if isinstance(reply, Reply) else reply

    async def _fetch(self, account: Account) -> Token:
        asked = {"app_id": account.settings.get("app_id", ""), "app_secret": account.settings.get("secret", "")}
        path = "open-apis/auth/v3/tenant_access_token/internal"
        reply = await call(self._http, account, _api(account), path, asked)
        if not isinstance(reply, Reply):
            raise NoToken(reply)
        said = reply.json()
        if said.get("code") == 0 and isinstance(said.get("tenant_access_token"), str):
            return Token(said["tenant_access_token"], float(said.get("expire", 0) or 0))
        raise no_token(_outcome(reply))


def _api(account: Account) -> str:
    return _REGIONS[account.settings.get("region") or "feishu"]


def _card(letter: Letter) -> str:
    elements: list[dict[str, Any]] = [{"tag": "div", "text": plain(shortened(text_of(letter), LONGEST_TEXT))}]
    elements += [button(link, label) for link, label in buttons_of(letter)]
    return json.dumps(card_of(elements), ensure_ascii=False)


def button(link: str, label: str) -> dict[str, Any]:
    """Make the element with a button that opens a link."""
    text = plain(shortened(label, _LONGEST_LABEL))
    return {"tag": "action", "actions": [{"tag": "button", "text": text, "type": "primary", "url": link}]}


def card_of(elements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Make a card that may be edited, for all who see it."""
    return {"config": {"wide_screen_mode": True, "update_multi": True}, "elements": list(elements)}


def _to(letter: Letter) -> tuple[str, dict[str, str]]:
    said = {"receive_id": letter.address, "msg_type": "interactive", "uuid": str(letter.delivery_id)}
    return f"?receive_id_type={_TYPES[letter.address[:2]]}", said


def plain(text: str) -> dict[str, str]:
    """Make a text in which nothing is markup."""
    return {"tag": "plain_text", "content": text}


def _outcome(reply: Reply) -> Outcome:
    """Read an answer: code, 0 where it is good."""
    if problem := moved(reply):
        return problem
    said = reply.json()
    code, data = said.get("code"), said.get("data")
    if not isinstance(code, int):
        return no_answer_of(_NAME, reply)
    if code == 0:
        return Sent(str(data.get("message_id", "")) if isinstance(data, dict) else "")
    return _error(code, reply)


def _error(code: int, reply: Reply) -> Outcome:
    said = f"code {code}"
    if code == _MONTH_IS_FULL:
        return Retry(f"{said}: the month's calls are used up", _REST, whole_account=True)
    if code in _APP_TOO_FAST:
        return Retry(said, _reset(reply), whole_account=True)
    if code in _TOKEN_IS_OLD:
        return Retry(f"{said}: the access token is not valid any more")
    if code in _LATER or reply.is_busy:
        return Retry(said, reply.retry_after())
    if code in _OURS:
        return Misconfigured(f"{said}: look at the app, its bot and its permissions; PutChannel takes new settings")
    return Refused(said, is_gone=code in _GONE)


def _reset(reply: Reply) -> timedelta | None:
    """Read after how many seconds the limit is over."""
    text = reply.headers.get("x-ogw-ratelimit-reset", "")
    return timedelta(seconds=int(text[:6])) if text.isascii() and text.isdecimal() else reply.retry_after()
