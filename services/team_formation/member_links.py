"""A member's own link: it opens the page of one seat, and whoever has it may give the seat back.

Nothing of it is stored: 32 bytes of ids, a number that is raised to take links back, and an HMAC over them. The token
is 62 letters of base62, which no chat takes for formatting.
"""

import hmac
import re
from uuid import UUID

from services.team_formation.codes import ALPHABET

LENGTH = 62
_PURPOSE = b"groupbuy.member-link.v1\0"
_MARKS = b"groupbuy.member-marks.v1\0"
_NUMBER_BYTES = 2
_MAC_BYTES = 12
_MARK_BYTES = 8
_SIGNED = 32 + _NUMBER_BYTES
_FORM = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
LAST_NUMBER = 2 ** (8 * _NUMBER_BYTES) - 1


class MemberLinks:
    """Makes and reads links by one secret."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._secret = secret.encode()
        self._public_url = public_url.rstrip("/")

    def url(self, campaign_id: UUID, seat_id: UUID, number: int) -> str:
        """Make the link of a seat."""
        signed = campaign_id.bytes + seat_id.bytes + number.to_bytes(_NUMBER_BYTES)
        return f"{self._public_url}/m/{_written(signed + self._mac(signed))}"

    def read(self, token: str) -> tuple[UUID, UUID, int] | None:
        """Read campaign, seat and number of a token; None where it is none of ours."""
        raw = _read(token)
        if raw is None or not hmac.compare_digest(raw[_SIGNED:], self._mac(raw[:_SIGNED])):
            return None
        return UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), int.from_bytes(raw[32:_SIGNED])

    def mark(self, content: bytes) -> bytes:
        """Make what only we can make of some content: 8 bytes."""
        return hmac.digest(self._secret, _MARKS + content, "sha256")[:_MARK_BYTES]

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._secret, _PURPOSE + signed, "sha256")[:_MAC_BYTES]


def _written(raw: bytes) -> str:
    number, letters = int.from_bytes(raw), []
    for _ in range(LENGTH):
        number, at = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[at])
    return "".join(reversed(letters))


def _read(token: str) -> bytes | None:
    if not _FORM.fullmatch(token):
        return None
    number = 0
    for letter in token:
        number = number * len(ALPHABET) + ALPHABET.index(letter)
    try:
        return number.to_bytes(_SIGNED + _MAC_BYTES)
    except OverflowError:
        return None
