"""What stands in the place of the SMTP server: a mail is kept as it was written, and replied to as RFC 5321 has it."""

from collections.abc import Mapping
from typing import Any

from aiosmtplib import SMTPConnectResponseError, SMTPRecipientRefused, SMTPRecipientsRefused

from services.notification.domain import Play
from services.notification.sandbox.outlet import Exchange

_REPLIES: Mapping[Play, tuple[int, str]] = {
    Play.TAKEN: (250, "2.0.0 Ok: queued"),
    Play.GONE: (550, "5.1.1 User unknown"),  # SMTP refuses; that somebody is gone for good no reply says
    Play.THROTTLED: (450, "4.7.1 Greylisted, try again later"),
    Play.REFUSED: (550, "5.2.1 Mailbox disabled"),
    Play.UNAVAILABLE: (421, "4.3.2 Service not available"),
}


class Mailbox:
    """Takes mails in the place of `aiosmtplib.send`."""

    def __init__(self, play: Play) -> None:
        self._code, self._words = _REPLIES[play]
        self.taken: list[Exchange] = []

    async def hand_over(self, message: bytes, *, sender: str, recipients: list[str], **_named: Any) -> None:
        """Keep a mail with its envelope, and raise what the client raises where it is not taken."""
        envelope = {"mail-from": sender, "rcpt-to": ", ".join(recipients)}
        said = f"{self._code} {self._words}".encode()
        self.taken.append(Exchange("SMTP", "", envelope, message, self._code, said))
        if self._code == _REPLIES[Play.UNAVAILABLE][0]:
            raise SMTPConnectResponseError(self._code, self._words)
        if self._code != _REPLIES[Play.TAKEN][0]:
            raise SMTPRecipientsRefused([SMTPRecipientRefused(self._code, self._words, one) for one in recipients])
