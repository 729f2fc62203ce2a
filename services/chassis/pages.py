"""Pages of lists: their size, and tokens that belong to one list only."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from services.chassis.errors import Rejected, invalid

USUAL = 100
MOST = 1000
_MARK_BYTES = 6
_LARGEST = 2**63 - 1


def size(asked: int) -> int:
    """Tell the size of a page: 100 where nothing is asked; more than 1000 is refused."""
    if not 0 <= asked <= MOST:
        raise invalid("page_size", f"must be 1 to {MOST}, or 0 for {USUAL}")
    return asked or USUAL


def token(position: str, of: str) -> str:
    """Make the token of the page after a position in the list that `of` describes."""
    return urlsafe_b64encode(_mark(of, position) + position.encode()).decode().rstrip("=")


def read(text: str, of: str) -> str | None:
    """Read a token's position; None for the first page, Rejected PAGE_TOKEN_INVALID for a token of another list."""
    if not text:
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        position = raw[_MARK_BYTES:].decode()
    except (Base64Error, ValueError):
        raise Rejected("PAGE_TOKEN_INVALID") from None
    if raw[:_MARK_BYTES] != _mark(of, position):
        raise Rejected("PAGE_TOKEN_INVALID")
    return position


def read_number(text: str, of: str) -> int:
    """Read a token whose position is a number; 0 for the first page, Rejected PAGE_TOKEN_INVALID as `read`."""
    position = read(text, of) or "0"
    if not position.isascii() or not position.isdecimal() or int(position) > _LARGEST:
        raise Rejected("PAGE_TOKEN_INVALID")
    return int(position)


def _mark(of: str, position: str) -> bytes:
    return hashlib.sha256(f"{of}\n{position}".encode()).digest()[:_MARK_BYTES]
