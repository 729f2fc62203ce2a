"""The channel `wecom`: messages of the platform's own application in WeCom (WeChat Work).

Sources: https://developer.work.weixin.qq.com/document/path/90236 (request, length, invaliduser),
https://developer.work.weixin.qq.com/document/path/91039 (tokens), https://developer.work.weixin.qq.com/document/path/90313
(errors) and https://developer.work.weixin.qq.com/document/path/96212 (limits).

WeCom compares the text of messages, not their ids (enable_duplicate_check): two that read the same would become one, so
it is not used, and there is no idempotency key. A link is the last line of the text, which WeCom makes one to tap.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

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
from services.notification.channels.http import NotAllowed, NotReached, Reply
from services.notification.channels.messenger import (
    call,
    form_problems,
    moved,
    no_answer_of,
    shortened_before_links,
    text_of,
    utf8,
)
from services.notification.channels.tokens import NoToken, Token, Tokens, no_token

LONGEST_BYTES = 2048
_API = "https://qyapi.weixin.qq.com"
_NAME = "WeCom API"
_TO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_FORMS = {
    "corp_id": (re.compile(r"w[wx][0-9a-f]{16}"), "must be the company's id, ww and 16 hexadecimal digits"),
    "secret": (re.compile(r"[A-Za-z0-9_-]{40,64}"), "must be the application's Secret"),
    "agent_id": (re.compile(r"[0-9]{1,10}"), "must be the application's AgentId, digits only"),
}
_TOKEN_IS_OLD = {40014, 42001}
_LATER = {-1, 6000, 45033}
"""The system is busy; two calls changed the same; too many at once."""
_SLOW_DOWN = {45009: timedelta(minutes=1)}
_GONE = {40003, 60111}
"""There is no such member."""
_OURS = {40001, 40013, 40056, 41011, 48002, 50003, 60011, 60020, 301002}
"""Secret, company, application (which may be disabled), permissions, addresses that may call."""


class WeComChannel:
    """Writes to members of a company as an application."""

    name = "wecom"
    setup = Setup(
        fields=(
            Field("corp_id", "CorpID of the company, ww..."),
            Field("secret", "Secret of the application", secret=True),
            Field("agent_id", "AgentId of the application"),
            Field("base_url", f"of the API; {_API} if it is left out", required=False),
        ),
    )

    def __init__(self, http: Http) -> None:
        self._http = http
        self._api = WeComApi(http)

    def check(self, address: str) -> str | None:
        """Accept a member's userid, one: not all, not a list."""
        if not _TO.fullmatch(address):
            return "must be the member's userid in the company: letters, digits, _, -, . and @"
        return "must be one member's userid, not @all" if address == "@all" else None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of every field."""
        return form_problems(self._http, settings, _FORMS)

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Send a text."""
        return await self._api.send(account, _message(letter, account))

    async def close(self) -> None:
        """Keep nothing of its own."""


class WeComApi:
    """Sends messages of applications, and keeps their tokens."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tokens = Tokens(self._fetch)

    async def send(self, account: Account, message: Mapping[str, Any]) -> Outcome:
        """Send a message by the account's application."""

        async def ask(token: str) -> Reply | Outcome:
            return await call(self._http, account, _API, f"cgi-bin/message/send?access_token={quote(token)}", message)

        reply = await self._tokens.call(account, ask, lambda reply: reply.json().get("errcode") in _TOKEN_IS_OLD)
        return _outcome(reply) if isinstance(reply, Reply) else reply

    async def _fetch(self, account: Account) -> Token:
        settings = account.settings
        base_url = (settings.get("base_url") or _API).rstrip("/")
        query = f"corpid={quote(settings.get('corp_id', ''))}&corpsecret={quote(settings.get('secret', ''))}"
        try:
            reply = await self._http.get(f"{base_url}/cgi-bin/gettoken?{query}")
        except NotAllowed as problem:
            raise NoToken(Misconfigured(f"base_url {problem}")) from None
        except NotReached as problem:
            raise NoToken(Retry(str(problem))) from None
        said = reply.json()
        if said.get("errcode") == 0 and isinstance(said.get("access_token"), str):
            return Token(said["access_token"], float(said.get("expires_in", 0) or 0))
        raise no_token(_outcome(reply))


def _message(letter: Letter, account: Account) -> dict[str, Any]:
    return {
        "touser": letter.address,
        "msgtype": "text",
        "agentid": int(account.settings.get("agent_id", "0")),
        "text": {"content": shortened_before_links(text_of(letter), LONGEST_BYTES, utf8)},
    }


def _outcome(reply: Reply) -> Outcome:
    """Read an answer: errcode, 0 where it is good, and whom it did not reach all the same."""
    if problem := moved(reply):
        return problem
    said = reply.json()
    code = said.get("errcode")
    if not isinstance(code, int):
        return no_answer_of(_NAME, reply)
    if code == 0:
        missed = bool(said.get("invaliduser"))
        return Refused("the application cannot reach this member") if missed else Sent(str(said.get("msgid", "")))
    return _error(code)


def _error(code: int) -> Outcome:
    said = f"errcode {code}"
    if code in _TOKEN_IS_OLD:
        return Retry(f"{said}: the access token is not valid any more")
    if code in _LATER:
        return Retry(said)
    if code in _SLOW_DOWN:
        return Retry(said, _SLOW_DOWN[code], whole_account=True)
    if code in _OURS:
        return Misconfigured(f"{said}: look at the application and its Secret; PutChannel takes new settings")
    return Refused(said, is_gone=code in _GONE)
