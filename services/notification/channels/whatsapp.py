"""The channel `whatsapp`: messages of the platform's own number by Meta's Cloud API.

Sources: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages (request and answer),
https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes and
https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-cta-url-messages (buttons).

Free text is taken within 24 hours after the member has written; outside it only approved templates are. Where
`template` is set up, subject and text go as its one parameter, in one line. There is no idempotency key: a sender that
dies, or a connection cut, between the call and its record sends again. WhatsApp's own marks (*, _, ~, `) cannot be
escaped. That a message failed later comes by a webhook of Meta's, which is not read: what was taken counts as sent.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

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
from services.notification.channels.messenger import (
    call,
    form_problems,
    moved,
    no_answer_of,
    one_line,
    shortened,
    shortened_before_links,
    text_of,
)

LONGEST_TEXT = 4096
LONGEST_WITH_BUTTON = 1024
_LONGEST_PARAMETER = 1024
_LONGEST_LABEL = 20
_API = "https://graph.facebook.com/v23.0"
_NAME = "Cloud API"
_TO = re.compile(r"\+[1-9][0-9]{6,14}")
_FORMS = {
    "token": (re.compile(r"[A-Za-z0-9]{20,500}"), "must be an access token with whatsapp_business_messaging"),
    "phone_number_id": (
        re.compile(r"[0-9]{5,20}"),
        "must be the number's id, digits only; it is not the number itself",
    ),
    "template": (re.compile(r"[a-z0-9_]{0,512}"), "must be a template's name: small letters, digits and _"),
    "template_language": (
        re.compile(r"([a-z]{2,3}(_[A-Z]{2})?)?"),
        "must be a language as WhatsApp writes it, as en_US",
    ),
}
_LATER = {1, 2, 131000, 131016, 131056, 131057, 133004}
"""Unknown or temporary trouble; too much to this one member; the account is under maintenance."""
_SLOW_DOWN = {4: 60, 80007: 60, 130429: 10, 131048: 3600}
"""Limits of app, account and number, and of what recipients blocked; seconds of rest, as none is said."""
_OURS = {
    *(0, 3, 10, 33, 190, 368),
    *(131005, 131030, 131031, 131037, 131042, 131045, 133010),
    *(132000, 132001, 132005, 132007, 132012, 132015, 132016),
}
"""Token and permissions, policy, a locked account, the number's name, payment and registration, the template."""
_PERMISSIONS = range(200, 300)
_SUBCODE_NO_NUMBER = 33


class WhatsAppChannel:
    """Writes to members' numbers."""

    name = "whatsapp"
    setup = Setup(
        fields=(
            Field("token", "an access token of the system user", secret=True),
            Field("phone_number_id", "the id of the number that sends"),
            Field("template", "name of an approved template with one parameter; without it free text", required=False),
            Field("template_language", "the template's language, as en_US; en if it is left out", required=False),
            Field("base_url", f"of the Graph API; {_API} if it is left out", required=False),
        ),
        has_buttons=True,
        per_second=80.0,
    )

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, address: str) -> str | None:
        """Accept a number in E.164."""
        if not _TO.fullmatch(address):
            return "must be a number with its country, as +4915112345678"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the form of every field."""
        return form_problems(self._http, settings, _FORMS)

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Send the message."""
        number = account.settings.get("phone_number_id", "")
        return await send_message(self._http, account, number, _message(letter, account))

    async def close(self) -> None:
        """Keep nothing of its own."""


async def send_message(http: Http, account: Account, number: str, message: Mapping[str, Any]) -> Outcome:
    """Send a message from a number, named by its id, by the account's token."""
    headers = {"Authorization": f"Bearer {account.settings.get('token', '')}"}
    reply = await call(http, account, _API, f"{number}/messages", message, headers)
    return _outcome(reply) if isinstance(reply, Reply) else reply


def _message(letter: Letter, account: Account) -> dict[str, Any]:
    text, template = text_of(letter), account.settings.get("template", "")
    message = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": letter.address}
    if template and letter.kind is not Kind.REPLY:  # who is answered has written, so the window is open
        language = account.settings.get("template_language") or "en"
        return message | _template(template, language, " ".join(filter(None, (one_line(text), letter.link))))
    if letter.link and len(text) <= LONGEST_WITH_BUTTON:
        return message | with_button(text, letter.link, letter.link_label or letter.link)
    body = shortened_before_links("\n".join(filter(None, (text, letter.link))), LONGEST_TEXT)
    return message | {"type": "text", "text": {"preview_url": False, "body": body}}


def _template(name: str, language: str, text: str) -> dict[str, Any]:
    parameter = {"type": "text", "text": shortened(text, _LONGEST_PARAMETER)}
    body = {"type": "body", "parameters": [parameter]}
    return {"type": "template", "template": {"name": name, "language": {"code": language}, "components": [body]}}


def with_button(text: str, link: str, label: str) -> dict[str, Any]:
    """Make a text of at most 1024 characters with a button that opens a link."""
    parameters = {"display_text": shortened(label, _LONGEST_LABEL), "url": link}
    action = {"name": "cta_url", "parameters": parameters}
    return {"type": "interactive", "interactive": {"type": "cta_url", "body": {"text": text}, "action": action}}


def _outcome(reply: Reply) -> Outcome:
    """Read an answer: `messages` with an id, or `error` with a code."""
    if problem := moved(reply):
        return problem
    said = reply.json()
    sent = said.get("messages")
    if reply.is_good and isinstance(sent, list) and sent and isinstance(sent[0], dict):
        return Sent(str(sent[0].get("id", "")))
    error = said.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, int):
        return no_answer_of(_NAME, reply)
    return _error(code, error.get("error_subcode") == _SUBCODE_NO_NUMBER, reply)


def _error(code: int, no_number: bool, reply: Reply) -> Outcome:  # noqa: FBT001
    said = f"code {code}"
    if code in _OURS or code in _PERMISSIONS or no_number:
        return Misconfigured(f"{said}: look at the number, its template and token; PutChannel takes new settings")
    if code in _SLOW_DOWN:
        return Retry(said, reply.retry_after() or timedelta(seconds=_SLOW_DOWN[code]), whole_account=True)
    if code in _LATER or reply.is_busy:
        return Retry(said, reply.retry_after())
    return Refused(said)
