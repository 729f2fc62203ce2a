"""The channel `telegram`: one call of sendMessage, or editMessageText, per message, by the platform's own bot.

Source: https://core.telegram.org/bots/api ("Making requests", "sendMessage", "editMessageText", "ResponseParameters"),
its limits https://core.telegram.org/bots/faq ("My bot is hitting limits"). The Bot API has no idempotency key: a
sender that dies, or a connection cut, between the call and its record sends the message again, and the member reads it
twice.
Text is sent plain, without a parse mode, so that nothing in it is markup; a link becomes a button below it.
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

LONGEST_TEXT = 4096
_API = "https://api.telegram.org"
_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")
_CHAT = re.compile(r"-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_GONE = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot was kicked",
    "group chat was deleted",
)
"""Descriptions of 400 and 403 after which a chat takes nothing any more. The Bot API lists no descriptions; these are
collected at https://github.com/TelegramBotAPI/errors. Another one refuses this message, and the chat is tried again:
"chat not found" is said of whoever has not met this very bot, and a platform may have set up another by mistake."""
_SAME = "message is not modified"
"""The description of 400 where an edited message reads so already."""


class TelegramChannel:
    """Writes to private chats, groups and channels as a bot."""

    name = "telegram"
    setup = Setup(
        fields=(
            Field("token", "the bot's token, as @BotFather gives it", secret=True),
            Field("base_url", f"of a Bot API server of your own; {_API} if it is left out", required=False),
        ),
        has_buttons=True,
        has_second_button=True,
        edits=True,
        per_second=30.0,  # "no more than 30 messages per second", the FAQ above
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, address: str) -> str | None:
        """Accept what sendMessage takes as chat_id."""
        if not _CHAT.fullmatch(address):
            return "must be a chat id (digits, with - before them for a group), or @name of a public channel"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of the token, and at the URL of a server of one's own."""
        must_be = "must be a bot token of the form 123456:ABC-DEF, as @BotFather gives it"
        return account_problems(self._http, settings, _TOKEN, must_be)

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Call sendMessage, or editMessageText."""
        method = "editMessageText" if letter.edits else "sendMessage"
        return await call_method(self._http, account, method, _message(letter), letter.edits)

    async def close(self) -> None:
        """Keep nothing of its own."""


async def call_method(
    http: Http, account: Account, method: str, message: Mapping[str, Any], edits: str = ""
) -> Outcome:
    """Call a method of the Bot API by the account's token; `edits` is the message that is edited, if one is."""
    reply = await call(http, account, _API, f"bot{account.settings.get('token', '')}/{method}", message)
    return _outcome(reply, str(message.get("chat_id", "")), edits) if isinstance(reply, Reply) else reply


def _message(letter: Letter) -> dict[str, Any]:
    message: dict[str, Any] = {
        "chat_id": letter.address if letter.address.startswith("@") else int(letter.address),
        "text": shortened(text_of(letter), LONGEST_TEXT, utf16),  # the Bot API counts positions in texts so
        "link_preview_options": {"is_disabled": True},  # a preview has Telegram follow the link
    }
    if letter.edits:
        message["message_id"] = int(letter.edits)
    if buttons := buttons_of(letter):
        rows = [[{"text": label, "url": link}] for link, label in buttons]
        message["reply_markup"] = {"inline_keyboard": rows}
    return message


def _outcome(reply: Reply, chat: str, edits: str) -> Outcome:
    """Read the answer: `ok`, and `error_code` with `description` and `parameters` where it is not."""
    said = reply.json()
    if said.get("ok") is True:
        result = said.get("result")
        return Sent(str(result.get("message_id", "")) if isinstance(result, dict) else "")
    if edits and _SAME in str(said.get("description", "")):
        return Sent(edits)
    code = said.get("error_code", reply.status)
    if problem := moved(reply):
        return problem
    if reply.is_good or "ok" not in said:
        return no_answer_of("Bot API", reply)
    return _error(code, said, reply, chat)


def _error(code: object, said: Mapping[str, Any], reply: Reply, chat: str) -> Outcome:
    description = str(said.get("description", ""))
    detail = f"{code} {description}"
    found = said.get("parameters")
    parameters = found if isinstance(found, dict) else {}
    match code:
        case 429:
            return Retry(detail, _asked_for(parameters, reply), whole_account=_is_private(chat))
        case 401 | 404:
            return Misconfigured(f"{detail}: the bot's token is not good (any more); PutChannel takes a new one")
        case 400 if "migrate_to_chat_id" in parameters:
            return Refused(f"{code} the group became a supergroup with another id; register that one", is_gone=True)
        case 400 | 403:
            return Refused(detail, is_gone=any(words in description.lower() for words in _GONE))
    return Retry(detail, reply.retry_after()) if reply.is_busy else Refused(detail)


def _asked_for(parameters: Mapping[str, Any], reply: Reply) -> timedelta | None:
    seconds = parameters.get("retry_after")
    return timedelta(seconds=min(seconds, 10**8)) if isinstance(seconds, int) else reply.retry_after()


def _is_private(address: str) -> bool:
    """Tell a member's chat from a group: 20 messages a minute are a group's own limit, 30 a second the bot's."""
    return address.isdecimal()
