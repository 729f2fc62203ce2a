"""The channel `email`: SMTP, one connection per message.

SMTP has no idempotency key. A sender that dies, or a connection cut, after the server took the message and before that
was recorded sends it again with the same Message-ID, by which many mailboxes drop the second one.
Replies are read by RFC 5321 section 4.2.1 and, where a server sends them, the enhanced codes of RFC 3463.
"""

import re
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy

import aiosmtplib
from aiosmtplib import SMTPRecipientsRefused, SMTPResponseException

from services.chassis.settings import split_address
from services.notification.channels import Account, Letter, Misconfigured, Outcome, Refused, Retry, Sent, Setup

_LONGEST = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_DOMAIN = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_POLICY = re.compile(r"5\.7\.\d+")  # RFC 3463 section 3.8: security or policy, which no other address would change
_MAILBOX_FULL = 552  # at RCPT to be read as 452, RFC 5321 section 4.5.3.1.10


class _WholeLinks(EmailPolicy):
    """Writes the header with a link on one line: folding it would encode it, and no mailbox would follow it."""

    def fold(self, name: str, value: str) -> str:
        """Write a header as text."""
        return f"{name}: {value}{self.linesep}" if name == _LINK else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """Write a header as bytes."""
        return self.fold(name, value).encode() if name == _LINK else super().fold_binary(name, value)


_LINK = "List-Unsubscribe"
_WHOLE_LINKS = _WholeLinks(linesep=SMTP.linesep, cte_type="7bit")  # any server takes it


class EmailChannel:
    """Sends through one SMTP server; without one every message waits as misconfigured."""

    name = "email"
    setup = Setup()

    def __init__(self, server: str | None, sender: str, *, seconds: float) -> None:
        self._server = split_address(server) if server else None
        self._sender = sender
        self._seconds = seconds

    def check(self, address: str) -> str | None:
        """Accept a bare mailbox in ASCII."""
        try:
            parsed = Address(addr_spec=address)
        except (ValueError, IndexError, MessageError):
            parsed = None
        whole = parsed is not None and parsed.addr_spec == address and bool(parsed.username)
        if not whole or parsed is None or not address.isascii() or len(address) > _LONGEST or " " in address:
            return (
                "must be a mailbox in ASCII, for instance name@example.com; write a domain of other letters as xn--..."
            )
        if not _DOMAIN.fullmatch(parsed.domain):
            return f"has a domain that cannot be one: {parsed.domain or 'none'}"
        return None

    def check_account(self, _settings: Mapping[str, str]) -> Mapping[str, str]:
        """Need nothing: the operator names one server for all platforms."""
        return {}

    async def send(self, letter: Letter, _account: Account) -> Outcome:
        """Hand the message to the server."""
        if self._server is None:
            return Misconfigured("GROUPBUY_SMTP is not set; set it to the host:port of an SMTP server")
        host, port = self._server
        try:
            await aiosmtplib.send(
                self._written(letter).as_bytes(),  # written here: the client would fold a link by rules of its own
                sender=self._sender,
                recipients=[letter.address],
                hostname=host,
                port=port,
                timeout=self._seconds,
            )
        except SMTPRecipientsRefused as refused:
            return _recipient(refused.recipients[0])
        except SMTPResponseException as refused:
            return _ours(refused)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(f"{type(error).__name__}: {error}")
        return Sent(f"<{letter.delivery_id}@{self._sender.rpartition('@')[2]}>")

    def _written(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=_WHOLE_LINKS)
        message["From"] = self._sender
        message["To"] = letter.address
        message["Subject"] = letter.subject
        message["Date"] = letter.written_at
        message["Message-ID"] = f"<{letter.delivery_id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        if letter.unsubscribe:  # RFC 8058; the server in front signs both headers with DKIM, section 4
            message[_LINK] = f"<{letter.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(letter.body)
        message["Content-Language"] = letter.language  # after the content, which resets such headers
        return message

    async def close(self) -> None:
        """Nothing is kept open."""


def _recipient(reply: SMTPResponseException) -> Outcome:
    """Read the reply to RCPT TO: it is about the address, unless it is about policy."""
    if reply.code < 500 or reply.code == _MAILBOX_FULL:  # noqa: PLR2004 - 4yz: transient, RFC 5321
        return Retry(_said(reply))
    return Misconfigured(_said(reply)) if _POLICY.match(reply.message) else Refused(_said(reply))


def _ours(reply: SMTPResponseException) -> Outcome:
    """Read the reply to anything else: what was said of the message itself is for this recipient, the rest is ours."""
    if reply.code < 500:  # noqa: PLR2004
        return Retry(_said(reply))
    if isinstance(reply, aiosmtplib.SMTPDataError) and not _POLICY.match(reply.message):
        return Refused(_said(reply))
    return Misconfigured(_said(reply))


def _said(reply: SMTPResponseException) -> str:
    return f"{reply.code} {reply.message}"
