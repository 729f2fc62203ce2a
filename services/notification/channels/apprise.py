"""The channel `apprise`: the other services that the library Apprise knows, from SMS to push, one URL for each.

The platform gives an Apprise URL with `{address}` where the member's address belongs, as
twilio://SID:TOKEN@+15551234567/{address}; https://github.com/caronc/apprise/wiki has each service's form. It needs
`pip install groupbuy[apprise]`; without it the channel is not there.

Apprise says whether a service took a message, and no more: what was not taken is tried again, whatever the reason, and
nobody is ever marked gone. There is no idempotency key. It sends on threads of its own, with time limits of its own.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import apprise

from services.notification.channels import Account, Field, Letter, Misconfigured, Outcome, Retry, Sent, Setup
from services.notification.channels.messenger import text_of

_ADDRESS = "{address}"
_TO = re.compile(r"[A-Za-z0-9+@._:#-]{1,200}")
_TRIED = "15551234567"
"""An address that a URL is tried with: most services take numbers, and others take digits too."""
SERVICES = frozenset(
    {
        *("atalk", "bulksms", "bulkvs", "burstsms", "clickatell", "clicksend", "cm", "d7sms", "elks", "exotel"),
        *("freemobile", "httpsms", "kavenegar", "klr", "kudosity", "mobilemsg", "msg91", "msgbird", "nexmo"),
        *("notifyre", "octopush", "plivo", "ringc", "serwersms", "seven", "sinch", "smsc", "sns", "telnyx"),
        *("telesign", "threema", "twilio", "voipms", "vonage", "gupshup", "whapi"),
        *("join", "onesignal", "pbul", "pover", "prowl", "pushed", "pushy", "pushplus", "schan", "simplepush"),
        *("spush", "strmlabs", "wxpusher", "viber", "zalo", "kakao", "kakaotalk"),
        *("flock", "gchat", "groupme", "ryver", "twist", "webex", "wxteams", "zulip", "kook", "guilded"),
    }
)
"""Schemas of services with an address of their own, whose URLs name no host, no file and no other address."""
_NEVER = frozenset(
    {"dbus", "glib", "gnome", "growl", "growls", "kde", "macosx", "qt", "rsyslog", "syslog", "windows", "aprs"}
    | {"fcm", "vapid"}
)
"""Schemas that reach the machine itself, its log or its files."""
_LIMITS = "cto=3&rto=5&retry=0"
"""Seconds to connect and to read, and no second try by itself."""
_THREADS = 32

for _talks in ("apprise", "urllib3"):
    logging.getLogger(_talks).setLevel(logging.CRITICAL)  # of URLs, which have addresses and secrets in them


class AppriseChannel:
    """Sends by a service of Apprise's."""

    name = "apprise"
    setup = Setup(
        fields=(Field("url", "the service's Apprise URL, with {address} for the member's address", secret=True),)
    )

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._asset = apprise.AppriseAsset(async_mode=False, secure_logging=True)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")

    def check(self, address: str) -> str | None:
        """Accept what can stand in a URL: a number, a name, a token."""
        if not _TO.fullmatch(address):
            return "must be 1 to 200 letters, digits and + @ . _ : # -"
        return None

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Look at the URL: its service, the place of the address, and whether Apprise can read it."""
        problem = self._url_problem(settings.get("url", ""))
        return {"url": problem} if problem else {}

    def _url_problem(self, url: str) -> str | None:
        schema = url.partition("://")[0].lower()
        if _ADDRESS not in url:
            return "must contain {address}, where the member's address belongs"
        if schema in _NEVER or not (self._allow_private or schema in SERVICES):
            return f"must begin with one of {', '.join(f'{name}://' for name in sorted(SERVICES))}"
        if "?" in url:
            return "must have no parameters behind a question mark"
        if self._opened(url, _TRIED) is None:
            return "must be a URL that Apprise can read for this service; its wiki has the form"
        return None

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Have Apprise send it on a thread."""
        url = account.settings.get("url", "")
        if self._url_problem(url):
            return Misconfigured("the URL is none that may be used; PutChannel takes another")
        service = self._opened(url, letter.address)
        if service is None:
            return Misconfigured("the URL cannot be read with this member's address; PutChannel takes another")
        loop = asyncio.get_running_loop()
        taken = await loop.run_in_executor(self._threads, _notify, service, letter)
        return Sent() if taken else Retry("the service did not take it; Apprise does not say why")

    async def close(self) -> None:
        """Wait for no thread: each has its time limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _opened(self, url: str, address: str) -> Any:
        """Make Apprise's object of the URL with an address; None where it cannot read it."""
        whole = url.replace(_ADDRESS, quote(address, safe="+"))
        return apprise.Apprise.instantiate(f"{whole}?{_LIMITS}", asset=self._asset, suppress_exceptions=True)


def _notify(service: Any, letter: Letter) -> bool:
    text = text_of(letter)
    return bool(service.notify(title=letter.subject.strip(), body=letter.body.strip() or text))
