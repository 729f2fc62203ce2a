"""The channel `email`: SMTP, one connection per message.

SMTP has no idempotency key. A sender that dies, or a connection cut, after the server took the message and before that
was recorded sends it again with the same Message-ID, by which many mailboxes drop the second one.
Replies are read by RFC 5321 section 4.2.1 and, where a server sends them, the enhanced codes of RFC 3463.
Where STARTTLS (RFC 3207) or a login (RFC 4954) is asked for and the server has it not, nothing is sent: an operator has
to act. Its certificate is checked in any case.
"""

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from typing import Literal, TypeAlias

import aiosmtplib
from aiosmtplib import SMTPRecipientsRefused, SMTPResponseException

from services.chassis.settings import split_address
from services.notification.channels import Account, Letter, Misconfigured, Outcome, Refused, Retry, Sent, Setup
from services.notification.privacy import without_addresses

_LONGEST = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_DOMAIN = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_POLICY = re.compile(r"5\.7\.\d+")  # RFC 3463 section 3.8: security or policy, which no other address would change
_MAILBOX_FULL = 552  # at RCPT to be read as 452, RFC 5321 section 4.5.3.1.10
HandOver: TypeAlias = Callable[..., Awaitable[object]]
"""Hands a mail to a server, as `aiosmtplib.send` does."""
Tls: TypeAlias = Literal["auto", "none", "starttls", "implicit"]
_START_TLS: Mapping[Tls, bool | None] = {"auto": None, "none": False, "starttls": True, "implicit": False}


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
    """Sends through one SMTP server; without one every message waits as misconfigured.

    `tls`: auto takes STARTTLS where the server offers it, starttls insists on it, implicit begins with TLS (RFC 8314).
    `trust` says whose certificates are good, by default those that the system trusts; `hand_over` is the client.
    """

    name = "email"
    setup = Setup()

    def __init__(
        self,
        server: str | None,
        sender: str,
        *,
        seconds: float,
        tls: Tls = "auto",
        login: tuple[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
        hand_over: HandOver = aiosmtplib.send,
    ) -> None:
        self._server = split_address(server) if server else None
        self._sender = sender
        self._seconds = seconds
        self._tls: Tls = tls
        self._login = login
        self._trust = trust
        self._client = hand_over

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
            return f"must have a domain that can be one, not {parsed.domain or 'none'}"
        return None

    def check_account(self, _settings: Mapping[str, str]) -> Mapping[str, str]:
        """Need nothing: the operator names one server for all platforms."""
        return {}

    async def send(self, letter: Letter, _account: Account) -> Outcome:
        """Hand the message to the server."""
        if self._server is None:
            return Misconfigured("GROUPBUY_SMTP is not set; set it to the host:port of an SMTP server")
        try:
            await self._hand_over(letter, *self._server)
        except SMTPRecipientsRefused as refused:
            return _recipient(refused.recipients[0], letter.address)
        except SMTPResponseException as refused:
            return _ours(refused, letter.address)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _trouble(error)
        return Sent(f"<{letter.delivery_id}@{self._sender.rpartition('@')[2]}>")

    async def _hand_over(self, letter: Letter, host: str, port: int) -> None:
        user, password = self._login or (None, None)
        await self._client(
            self._written(letter).as_bytes(),  # written here: the client would fold a link by rules of its own
            sender=self._sender,
            recipients=[letter.address],
            hostname=host,
            port=port,
            timeout=self._seconds,
            username=user,
            password=password,
            use_tls=self._tls == "implicit",
            start_tls=_START_TLS[self._tls],
            tls_context=self._trusted(),
        )

    def _trusted(self) -> ssl.SSLContext | None:
        """Read the system's certificates once, not for each message."""
        if self._trust is None and self._tls != "none":
            self._trust = ssl.create_default_context()
        return self._trust

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


def _recipient(reply: SMTPResponseException, address: str) -> Outcome:
    """Read the reply to RCPT TO: it is about the address, unless it is about policy."""
    said = _said(reply, address)
    if reply.code < 500 or reply.code == _MAILBOX_FULL:  # noqa: PLR2004 - 4yz: transient, RFC 5321
        return Retry(said)
    return Misconfigured(said) if _POLICY.match(reply.message) else Refused(said)


def _ours(reply: SMTPResponseException, address: str) -> Outcome:
    """Read the reply to anything else: what was said of the message itself is for this recipient, the rest is ours."""
    said = _said(reply, address)
    if reply.code < 500:  # noqa: PLR2004
        return Retry(said)
    if isinstance(reply, aiosmtplib.SMTPDataError) and not _POLICY.match(reply.message):
        return Refused(said)
    return Misconfigured(said)


def _trouble(error: Exception) -> Outcome:
    """Read what is no reply: a certificate, or a server without what is asked for, does not mend itself."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return Misconfigured(f"the certificate of the SMTP server is not good: {said}")
    if type(error) in {aiosmtplib.SMTPException, aiosmtplib.SMTPNotSupported}:  # those of a connection are subclasses
        return Misconfigured(f"the SMTP server has not what GROUPBUY_SMTP_TLS or GROUPBUY_SMTP_USER asks for: {said}")
    return Retry(said)


def _said(reply: SMTPResponseException, address: str) -> str:
    """Repeat the server's words, which often name the address, without it."""
    return without_addresses(f"{reply.code} {reply.message}", address)
