"""Links that open one page each, for whoever has them: what they name is signed, and a number takes them back.

Nothing of a link is stored but the number that is good: 32 bytes of ids, the number, and an HMAC over them. The token
is 62 letters of base62, which no chat takes for formatting. Each kind of page has a purpose of its own, so that a token
of one opens no other.
"""

import hmac
import re
from typing import ClassVar
from uuid import UUID

from services.team_formation.codes import ALPHABET

LENGTH = 62
_NUMBER_BYTES = 2
_MAC_BYTES = 12
_MARK_BYTES = 8
_MARKS = b"groupbuy.member-marks.v1\0"
_SIGNED = 32 + _NUMBER_BYTES
_FORM = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
LAST_NUMBER = 2 ** (8 * _NUMBER_BYTES) - 1


class SignedLinks:
    """Makes and reads links by one secret; a kind of page says its path and its purpose."""

    PATH: ClassVar[str]
    PURPOSE: ClassVar[bytes]

    def __init__(self, secret: str, public_url: str) -> None:
        self._secret = secret.encode()
        self._public_url = public_url.rstrip("/")

    def url(self, first: UUID, second: UUID, number: int) -> str:
        """Make the link of what two ids name."""
        signed = first.bytes + second.bytes + number.to_bytes(_NUMBER_BYTES)
        return f"{self._public_url}/{self.PATH}/{_written(signed + self._mac(signed))}"

    def read(self, token: str) -> tuple[UUID, UUID, int] | None:
        """Read the ids and the number of a token; None where it is none of ours."""
        raw = _read(token)
        if raw is None or not hmac.compare_digest(raw[_SIGNED:], self._mac(raw[:_SIGNED])):
            return None
        return UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), int.from_bytes(raw[32:_SIGNED])

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._secret, self.PURPOSE + signed, "sha256")[:_MAC_BYTES]


class MemberLinks(SignedLinks):
    """Links of members: campaign and seat. Whoever has one may give the seat back."""

    PATH = "m"
    PURPOSE = b"groupbuy.member-link.v1\0"

    def mark(self, content: bytes) -> bytes:
        """Make what only we can make of some content, for what is asked of a member beside its page: 8 bytes."""
        return hmac.digest(self._secret, _MARKS + content, "sha256")[:_MARK_BYTES]


class PromoterLinks(SignedLinks):
    """Links of promoters: platform and the id that a promoter's link has. Whoever has one sees the numbers."""

    PATH = "p"
    PURPOSE = b"groupbuy.promoter-link.v1\0"


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
