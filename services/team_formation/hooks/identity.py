"""What an event is known again by."""

import hashlib
import re

LONGEST_ID = 128
_LONGEST_KIND = 64
_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_ID}}}")
_WORD = re.compile(rf"[\x20-\x7e]{{0,{_LONGEST_KIND}}}")


def known_by(given: str) -> str:
    """Give the service's own id as it is; where it is long or has other characters, a hash of it."""
    return given if _VISIBLE.fullmatch(given) else hashed(given)


def hashed(*parts: str | bytes) -> str:
    """Make an id of what a service has instead of one; the parts' lengths keep ("ab", "c") from being ("a", "bc")."""
    raw = [part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass") for part in parts]
    content = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def kind_of(given: str) -> str:
    """Give the service's word for a kind of event; "" where it is none that can be shown and counted."""
    return given if _WORD.fullmatch(given) else ""
