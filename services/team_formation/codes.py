"""Invite codes: derived from an invite's id, so that a link can be shown again though only its hash is stored.

code = base62(HMAC-SHA256(secret, invite id) mod 62^12): 12 characters that no chat takes for formatting, 71 bits.
"""

import hashlib
import hmac
import re
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 12
_FORM = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


class InviteCodes:
    """Derives codes, links and hashes by one secret."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._secret = secret.encode()
        self._public_url = public_url.rstrip("/")

    def code(self, invite_id: UUID) -> str:
        """Derive the code of an invite."""
        number = int.from_bytes(hmac.digest(self._secret, invite_id.bytes, "sha256")) % len(ALPHABET) ** LENGTH
        letters = []
        for _ in range(LENGTH):
            number, at = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[at])
        return "".join(reversed(letters))

    def mark(self, platform_id: UUID, kind: str, tag: str) -> bytes:
        """Hash a tag of a device or address, so that it says nothing outside of its platform."""
        return hmac.digest(self._secret, b"tag" + platform_id.bytes + f"{kind} {tag}".encode(), "sha256")

    def url(self, code: str) -> str:
        """Make the link of a code."""
        return f"{self._public_url}/i/{code}"

    def campaign(self, code: str) -> str:
        """Make the link of a campaign's page."""
        return f"{self._public_url}/c/{code}"

    def hook(self, service: str, app_id: str) -> str:
        """Make the address that an app of a chat service calls."""
        return f"{self._public_url}/hooks/{service}/{app_id}"


def hash_code(code: str) -> bytes | None:
    """Hash a code as it is stored; None where it cannot be one."""
    return hashlib.sha256(code.encode()).digest() if _FORM.fullmatch(code) else None
