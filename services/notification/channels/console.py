"""The channel `console`: one line of JSON per message on the process' own output, for development.

A sender that dies between the line and its record writes the line again, with the same delivery_id.
"""

import json
import sys
from collections.abc import Mapping
from typing import TextIO

from services.notification.channels import Account, Letter, Outcome, Retry, Sent, Setup

_LONGEST = 200


class ConsoleChannel:
    """Writes to standard output, or to the stream given. Whoever reads it must not stall, as with the process' log."""

    name = "console"
    setup = Setup()

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def check(self, address: str) -> str | None:
        """Accept any text in one line."""
        if not address.isprintable() or not 1 <= len(address) <= _LONGEST:
            return f"must be 1 to {_LONGEST} printable characters"
        return None

    def check_account(self, _settings: Mapping[str, str]) -> Mapping[str, str]:
        """Need nothing."""
        return {}

    async def send(self, letter: Letter, _account: Account) -> Outcome:
        """Write the line."""
        line = {
            "message_to": letter.address,
            "delivery_id": str(letter.delivery_id),
            "kind": letter.kind,
            "subject": letter.subject,
            "body": letter.body,
        }
        try:
            print(json.dumps(line, ensure_ascii=False), file=self._stream or sys.stdout, flush=True)
        except OSError as error:
            return Retry(f"the output is closed: {error.strerror}")
        return Sent()

    async def close(self) -> None:
        """Leave the stream open: it belongs to the process."""
