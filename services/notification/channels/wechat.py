"""The channel `wechat`: template messages of an official account, or subscribe messages of a Mini Program.

Sources: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html (template
messages, client_msg_id); https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/
subscribe-message/sendMessage.html (subscribe messages, lengths of values); getStableAccessToken.html beside it
(tokens); https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html (tickets of web pages, appendix 1);
https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html (errors).

A message is a template that WeChat has approved, filled by two of its fields: subject and text, cut to what a field
takes. A template message has an idempotency key, client_msg_id, which WeChat keeps for ten minutes; a subscribe message
has none, and uses up one of the permissions that the member gave.
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
    Kind,
    Letter,
    Misconfigured,
    Outcome,
    Refused,
    Retry,
    Sent,
    Setup,
)
from services.notification.channels.http import Reply
from services.notification.channels.messenger import call, form_problems, moved, no_answer_of, one_line, shortened, utf8
from services.notification.channels.tokens import NoToken, Token, Tokens, no_token

_API = "https://api.weixin.qq.com"
_NAME = "WeChat API"
OPENID = re.compile(r"[A-Za-z0-9_-]{20,64}")
_FORMS = {
    "app_id": (re.compile(r"wx[0-9a-f]{16}"), "must be the AppID, wx and 16 hexadecimal digits"),
    "secret": (re.compile(r"[0-9a-f]{32}"), "must be the AppSecret, 32 hexadecimal digits"),
    "template_id": (re.compile(r"[A-Za-z0-9_-]{20,64}"), "must be the id of a template that WeChat has approved"),
    "kind": (re.compile(r"(official|mini)?"), "must be official or mini"),
    "title_field": (re.compile(r"[a-z_]{1,30}\d{0,3}"), "must be the name of a field of the template, as thing1"),
    "text_field": (re.compile(r"[a-z_]{1,30}\d{0,3}"), "must be the name of a field of the template, as thing2"),
}
LONGEST_BYTES = 2000  # of a text; 2048 are taken
THING_LENGTH = 20
"""Characters of a value whose field is called thing and a number."""
_OTHER_LENGTH = 200
_SECRET_OR_TOKEN = 40001
"""The AppSecret where a token is asked for; the token in any other call."""
_TOKEN_IS_OLD = {_SECRET_OR_TOKEN, 40014, 42001}
_BUSY = {-1, 20001, 43108}
"""Trouble of theirs; two calls at once for one member."""
_SLOW_DOWN = {40251: timedelta(hours=1), 45009: timedelta(hours=1), 45011: timedelta(minutes=1)}
"""A limit set for what the account did before, the day's quota, and calls a minute: of the whole account."""
_GONE = {40003, 43004, 50005}
"""The openid is none of this account's, or its member follows the account no longer."""
_OURS = {
    40002: "grant_type",
    40013: "the AppID",
    40037: "the template_id",
    40097: "the settings: WeChat does not take one of the parameters",
    40125: "the AppSecret",
    40164: "the list of addresses that may call (IP whitelist)",
    40243: "the AppSecret, which is frozen",
    41028: "the template",
    41030: "the page",
    43116: "the template, which WeChat has limited for abuse",
    47001: "the template's fields",
    47003: "the template's fields: WeChat does not take what is in one of them",
    48001: "the account's permissions",
    48004: "the account, which WeChat has banned from this call",
    48008: "the account's permissions for this kind of messages",
    50002: "the account, which WeChat has limited",
    61024: "the token's way",
    89503: "the list of addresses that may call (IP whitelist)",
}
"""Errors that an operator mends, and where to look."""


class WeChatChannel:
    """Writes to members who follow an official account, or have subscribed in a Mini Program."""

    name = "wechat"
    setup = Setup(
        fields=(
            Field("app_id", "AppID of the official account or Mini Program, wx..."),
            Field("secret", "its AppSecret", secret=True),
            Field("template_id", "id of the approved template"),
            Field("title_field", "the template's field that takes the subject, as thing1"),
            Field("text_field", "the template's field that takes the text, as thing2"),
            Field("kind", "official (template messages; so if left out) or mini (subscribe messages)", required=False),
            Field("page", "of a Mini Program, the page that opens; a link is added as ?link=", required=False),
            Field("base_url", f"of the API; {_API} if it is left out", required=False),
        ),
        has_buttons=True,  # the message as a whole opens the link
    )

    def __init__(self, http: Http) -> None:
        self._http = http
        self._api = WeChatApi(http)

    def check(self, address: str) -> str | None:
        """Accept an openid."""
        if not OPENID.fullmatch(address):
            return "must be the member's openid at this account: 20 to 64 letters, digits, - and _"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of every field."""
        return form_problems(self._http, settings, _FORMS)

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Fill the template and send it; an answer to what a member wrote goes as text, in the 48 hours it may."""
        if letter.kind is Kind.REPLY:
            return await self._api.send(account, "custom", _text(letter))
        kind = "subscribe" if is_mini(account) else "template"
        return await self._api.send(account, kind, _message(letter, account))

    async def close(self) -> None:
        """Keep nothing of its own."""


class WeChatApi:
    """Sends messages of accounts, and keeps their tokens and tickets."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tokens = Tokens(self._fetch)
        self._tickets = Tokens(self._fetch_ticket)

    async def send(self, account: Account, kind: str, message: Mapping[str, Any]) -> Outcome:
        """Send a message of a kind: template, subscribe or custom."""

        async def ask(token: str) -> Reply | Outcome:
            path = f"cgi-bin/message/{kind}/send?access_token={quote(token)}"
            return await call(self._http, account, _API, path, message)

        reply = await self._tokens.call(account, ask, _says_the_token_is_old)
        return _outcome(reply)[0] if isinstance(reply, Reply) else reply

    async def ticket(self, account: Account) -> str:
        """Give the jsapi ticket of an official account, which its web pages are signed with; NoToken says why not.

        WeChat gives few of them in a day, each good for two hours: it is kept for as long as it is good.
        """
        return await self._tickets.get(account)

    async def _fetch_ticket(self, account: Account) -> Token:
        async def ask(token: str) -> Reply | Outcome:
            path = f"cgi-bin/ticket/getticket?access_token={quote(token)}&type=jsapi"
            return await call(self._http, account, _API, path, method="GET")

        reply = await self._tokens.call(account, ask, _says_the_token_is_old)
        if not isinstance(reply, Reply):
            raise NoToken(reply)
        said = reply.json()
        if isinstance(said.get("ticket"), str) and said["ticket"]:
            return Token(said["ticket"], float(said.get("expires_in", 0) or 0))
        raise no_token(_outcome(reply)[0])

    async def _fetch(self, account: Account) -> Token:
        """Ask for the account's stable token, which is the same for all who ask: ours ends nobody else's."""
        asked = {
            "grant_type": "client_credential",
            "appid": account.settings.get("app_id", ""),
            "secret": account.settings.get("secret", ""),
        }
        reply = await call(self._http, account, _API, "cgi-bin/stable_token", asked)
        if not isinstance(reply, Reply):
            raise NoToken(reply)
        said = reply.json()
        if isinstance(said.get("access_token"), str):
            return Token(said["access_token"], float(said.get("expires_in", 0) or 0))
        outcome, code = _outcome(reply)
        raise no_token(_misconfigured(code, "the AppSecret") if code == _SECRET_OR_TOKEN else outcome)


def _says_the_token_is_old(reply: Reply) -> bool:
    return reply.json().get("errcode") in _TOKEN_IS_OLD


def is_mini(account: Account) -> bool:
    """Tell a Mini Program from an official account."""
    return account.settings.get("kind") == "mini"


def _text(letter: Letter) -> dict[str, Any]:
    content = shortened(harmless(letter.body.strip()), LONGEST_BYTES, utf8)
    return {"touser": letter.address, "msgtype": "text", "text": {"content": content}}


def harmless(text: str) -> str:
    """Write a text so that no tag is in it: WeChat makes links of `<a>`, and has no escape."""
    return text.replace("<", "\N{FULLWIDTH LESS-THAN SIGN}")


def _message(letter: Letter, account: Account) -> dict[str, Any]:
    settings = account.settings
    values = {
        settings.get("title_field", ""): letter.subject.strip() or letter.body,
        settings.get("text_field", ""): letter.body.strip() or letter.subject,
    }
    message: dict[str, Any] = {
        "touser": letter.address,
        "template_id": settings.get("template_id", ""),
        "data": {name: {"value": fitted(name, text)} for name, text in values.items()},
    }
    if is_mini(account):
        return message | _page(letter, settings.get("page", ""))
    return message | {"client_msg_id": str(letter.delivery_id)} | ({"url": letter.link} if letter.link else {})


def _page(letter: Letter, page: str) -> dict[str, str]:
    if not page:
        return {}
    links = {"link": letter.link, "place": letter.place}
    told = "&".join(f"{name}={quote(link, safe='')}" for name, link in links.items() if link)
    sign = "&" if "?" in page else "?"
    return {"page": f"{page}{sign}{told}" if told else page}


def fitted(field: str, text: str) -> str:
    """Write a text as a field of a template takes it: one line, cut to the field's length."""
    longest = THING_LENGTH if field.startswith("thing") else _OTHER_LENGTH
    return shortened(one_line(text), longest)


def _outcome(reply: Reply) -> tuple[Outcome, int]:
    """Read an answer: errcode, 0 where it is good; HTTP 200 all the same."""
    if problem := moved(reply):
        return problem, 0
    said = reply.json()
    code = said.get("errcode")
    if not isinstance(code, int):
        return no_answer_of(_NAME, reply), 0
    return (Sent(str(said.get("msgid", ""))) if code == 0 else _error(code)), code


def _error(code: int) -> Outcome:
    said = f"errcode {code}"
    if code in _TOKEN_IS_OLD:
        return Retry(f"{said}: the access token is not valid any more")
    if code in _BUSY:
        return Retry(said)
    if code in _SLOW_DOWN:
        return Retry(said, _SLOW_DOWN[code], whole_account=True)
    if code in _OURS:
        return _misconfigured(code, _OURS[code])
    return Refused(said, is_gone=code in _GONE)


def _misconfigured(code: int, where: str) -> Misconfigured:
    return Misconfigured(f"errcode {code}: look at {where}; PutChannel takes new settings")
