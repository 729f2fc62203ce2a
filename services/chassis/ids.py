"""Ids: UUIDs inside, opaque strings outside that contain what a call needs to be routed."""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

from uuid_utils.compat import uuid7

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def new_id() -> UUID:
    """Make a new id, growing with time (UUIDv7, RFC 9562), so that an index grows at its end."""
    return uuid7()


def derived_id(cause: UUID, *parts: object) -> UUID:
    """Make the id of a row that follows from a cause (UUIDv5, RFC 9562): the same cause gives the same id."""
    digest = sha1(cause.int.to_bytes(16) + "/".join(map(str, parts)).encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def opaque(prefix: str, *ids: UUID) -> str:
    """Write ids as one opaque string: prefix, underscore, base64url without padding."""
    raw = b"".join([item.int.to_bytes(16) for item in ids])
    return f"{prefix}_{b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b'=').decode()}"


@lru_cache(maxsize=8192)
def parse(prefix: str, text: str, count: int) -> tuple[UUID, ...] | None:
    """Read the ids of an opaque string again; None where it is not one of this prefix and count.

    Remembered for a while: a crowd names one team again and again.
    """
    head, _, body = text.partition("_")
    if head != prefix or len(body) != -(-count * 16 * 4 // 3):
        return None
    try:
        raw = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (Base64Error, ValueError):
        return None
    if len(raw) != count * 16:
        return None
    ids = tuple(UUID(bytes=raw[at : at + 16]) for at in range(0, len(raw), 16))
    return ids if opaque(prefix, *ids) == text else None
