"""Pages of lists: their size, and tokens that belong to one list only."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from services.chassis.errors import Rejected, invalid

USUAL = 100
MOST = 1000
_MARK_BYTES = 6


def size(asked: int) -> int:
    """Tell the size of a page: 100 where nothing is asked, at most 1000."""
    if asked < 0:
        raise invalid("page_size", f"must be 0 to {MOST}; 0 means {USUAL}")
    return min(asked or USUAL, MOST)


def token(position: str, of: str) -> str:
    """Make the token of the page after a position in the list that `of` describes."""
    return urlsafe_b64encode(_mark(of) + position.encode()).decode().rstrip("=")


def read(text: str, of: str) -> str | None:
    """Read a token's position; None for the first page, Rejected PAGE_TOKEN_INVALID for a token of another list."""
    if not text:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        position = raw[_MARK_BYTES:].decode()
    except (Base64Error, ValueError):
        raise Rejected("PAGE_TOKEN_INVALID") from None
    if raw[:_MARK_BYTES] != _mark(of):
        raise Rejected("PAGE_TOKEN_INVALID")
    return position


def _mark(of: str) -> bytes:
    return hashlib.sha256(of.encode()).digest()[:_MARK_BYTES]
