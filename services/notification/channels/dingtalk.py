"""The channel `dingtalk`: messages of the platform's own robot to members of its company.

Sources, below https://open.dingtalk.com/document/orgapp/: chatbots-send-one-on-one-chat-messages-in-batches (request,
lists of those not reached), message-types-supported-by-enterprise-internal-robots (kinds of messages),
obtain-orgapp-token (tokens), server-api-error-codes-1 (errors); and
https://open.dingtalk.com/document/development/how-to-process-api-throttling-on-the-dingtalk-server (limits).

There is no idempotency key: a sender that dies, or a connection cut, between the call and its record sends again.
A card's text is Markdown, and is escaped, so that nothing in it is markup.
"""

import json
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
    buttons_of,
    call,
    escaped_within,
    form_problems,
    moved,
    no_answer_of,
    shortened,
    text_of,
)
from services.notification.channels.tokens import NoToken, Token, Tokens, no_token

LONGEST_TEXT = 5000
_LONGEST_TITLE = 100
_LONGEST_LABEL = 20
_API = "https://api.dingtalk.com"
_NAME = "DingTalk API"
_TO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_FORMS = {
    "app_key": (re.compile(r"ding[0-9a-z]{8,40}"), "must be the AppKey (Client ID), ding..."),
    "secret": (re.compile(r"[A-Za-z0-9_-]{20,128}"), "must be the AppSecret (Client Secret)"),
    "robot_code": (re.compile(r"[A-Za-z0-9_-]{4,64}"), "must be the robotCode of the robot, often its AppKey"),
}
MARKUP = re.compile(r"([\\*_~`>#\[\]()!<|+\-])")
_TOKEN_IS_OLD = "InvalidAuthentication"  # noqa: S105 - the name of an error
_TOO_FAST = ("Throttling", "QpsLimit", "qps", "Forbidden.AccessDenied.QpsLimit")
_MONTH_IS_FULL = "Forbidden.AccessDenied.ApiCountLimitForOrg"
_REST = timedelta(hours=6)
_LATER = ("InternalError", "ServiceUnavailable", "SystemError", "system.error", "ServiceTimeout", "timeout")
_OURS = (
    "Forbidden",
    "invalidClientIdOrSecret",
    "InvalidAppKey",
    "invalidParameter.robotCode",
    "miss.robotCode",
    "resourceNotFound.robot",
    "resource.not.found",
    "robot.",
    "chatbotId.notAllow",
    "template.not.existed",
    "template.stopped",
)
_GONE = ("staffId.notExisted", "invalidParameter.userIds.notExisted")


class DingTalkChannel:
    """Writes to members of a company as a robot."""

    name = "dingtalk"
    setup = Setup(
        fields=(
            Field("app_key", "AppKey (Client ID) of the app"),
            Field("secret", "AppSecret (Client Secret)", secret=True),
            Field("robot_code", "robotCode of the app's robot"),
            Field("base_url", f"of the API; {_API} if it is left out", required=False),
        ),
        has_buttons=True,
        has_second_button=True,
        per_second=20.0,
    )

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tokens = Tokens(self._fetch)

    def check(self, address: str) -> str | None:
        """Accept a member's userId."""
        if not _TO.fullmatch(address):
            return "must be the member's userId in the company: letters, digits, _, -, . and @"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of every field."""
        return form_problems(self._http, settings, _FORMS)

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Send one message to one member."""
        message = _message(letter, account)
        path = "v1.0/robot/oToMessages/batchSend"

        async def ask(token: str) -> Reply | Outcome:
            return await call(self._http, account, _API, path, message, {"x-acs-dingtalk-access-token": token})

        reply = await self._tokens.call(account, ask, lambda reply: reply.json().get("code") == _TOKEN_IS_OLD)
        return _outcome(reply, letter.address) if isinstance(reply, Reply) else reply

    async def close(self) -> None:
        """Keep nothing of its own."""

    async def _fetch(self, account: Account) -> Token:
        asked = {"appKey": account.settings.get("app_key", ""), "appSecret": account.settings.get("secret", "")}
        reply = await call(self._http, account, _API, "v1.0/oauth2/accessToken", asked)
        if not isinstance(reply, Reply):
            raise NoToken(reply)
        said = reply.json()
        if isinstance(said.get("accessToken"), str):
            return Token(said["accessToken"], float(said.get("expireIn", 0) or 0))
        raise no_token(_outcome(reply, ""))


def _message(letter: Letter, account: Account) -> dict[str, Any]:
    key, parameters = _text(letter)
    return {
        "robotCode": account.settings.get("robot_code", ""),
        "userIds": [letter.address],
        "msgKey": key,
        "msgParam": json.dumps(parameters, ensure_ascii=False),
    }


def _text(letter: Letter) -> tuple[str, dict[str, str]]:
    text = text_of(letter)
    buttons = [(link, shortened(label, _LONGEST_LABEL)) for link, label in buttons_of(letter)]
    if not buttons:
        return "sampleText", {"content": shortened(text, LONGEST_TEXT)}
    card = {
        "title": shortened(letter.subject.strip() or text, _LONGEST_TITLE),
        "text": escaped_within(text, MARKUP, LONGEST_TEXT).replace("\n", "  \n"),
    }
    if len(buttons) == 1:
        [(link, label)] = buttons
        return "sampleActionCard", card | {"singleTitle": label, "singleURL": link}
    for at, (link, label) in enumerate(buttons, 1):
        card |= {f"actionTitle{at}": label, f"actionURL{at}": link}
    return f"sampleActionCard{len(buttons)}", card


def _outcome(reply: Reply, address: str) -> Outcome:
    """Read an answer: processQueryKey and whom it did not reach, or `code` in words."""
    if problem := moved(reply):
        return problem
    said = reply.json()
    if reply.is_good and "processQueryKey" in said:
        return _taken(said, address)
    code = said.get("code")
    if not isinstance(code, str):
        return no_answer_of(_NAME, reply)
    return _error(code[:80], reply)


def _taken(said: Mapping[str, Any], address: str) -> Outcome:
    """Read the lists of those whom a message that was taken does not reach all the same."""
    if address in (said.get("invalidStaffIdList") or ()):
        return Refused("the userId is none of the company's", is_gone=True)
    if address in (said.get("filteredStaffIdList") or ()):
        return Refused("DingTalk has filtered this member out")
    if address in (said.get("flowControlledStaffIdList") or ()):
        return Retry("too many messages to this member")
    return Sent(str(said["processQueryKey"]))


def _error(code: str, reply: Reply) -> Outcome:
    if code == _TOKEN_IS_OLD:
        return Retry(f"{code}: the access token is not valid any more")
    if code == _MONTH_IS_FULL:
        return Retry(f"{code}: the month's calls are used up", _REST, whole_account=True)
    if code.startswith(_TOO_FAST) or reply.status == 429:  # noqa: PLR2004
        return Retry(code, reply.retry_after(), whole_account=True)
    if code.startswith(_LATER) or reply.is_busy:
        return Retry(code, reply.retry_after())
    if code.startswith(_OURS):
        return Misconfigured(f"{code}: look at the app, its robot and its permissions; PutChannel takes new settings")
    return Refused(code, is_gone=code.startswith(_GONE))
