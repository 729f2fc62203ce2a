"""What is refused before anything is compared: other methods, bodies too large, content types that nobody sends."""

import re
from functools import lru_cache

from services.team_formation.hooks.call import Call, Refused

MOST_BYTES = 256 * 1024
JSON_ONLY = frozenset({"application/json"})
XML_ONLY = frozenset({"text/xml", "application/xml"})
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}"  # noqa: S105 - RFC 9110 section 5.6.2 calls it a token
_MEDIA_TYPE = re.compile(
    rf"(?P<type>{_TOKEN}/{_TOKEN})(?:[ \t]*;[ \t]*charset=(?P<quote>\"?)(?P<charset>{_TOKEN})(?P=quote))?",
    re.IGNORECASE,
)

NOT_PROVEN = Refused(401, "nothing in the call proves that it comes from the app, or its time is over")
"""The one refusal for everything that is compared: which part was wrong is not told."""
NOT_READABLE = Refused(400, "the body cannot be read: it is not well-formed UTF-8, or is nested too deeply")
NOT_KNOWN = Refused(400, "the body is well-formed, but lacks what every call of this service has")


def not_admitted(call: Call, types: frozenset[str]) -> Refused | None:
    """Look at a POST; None where it may be looked at further. `types` are media types in small letters."""
    if call.method != "POST":
        return Refused(405, "the service sends POST")
    if len(call.body) > MOST_BYTES:
        return Refused(413, f"the body has more than {MOST_BYTES} bytes")
    if media_type(call) not in types:
        return Refused(415, f"the content type must be {' or '.join(sorted(types))}, in UTF-8")
    return None


def media_type(call: Call) -> str:
    """Give the media type in small letters; "" where it cannot be read, or its charset is not UTF-8 (RFC 9110, 8.3)."""
    return _media_type(call.header("content-type") or "")


@lru_cache(maxsize=64)
def _media_type(written: str) -> str:
    found = _MEDIA_TYPE.fullmatch(written)
    if not found or (found["charset"] or "utf-8").lower() not in {"utf-8", "utf8"}:
        return ""
    return found["type"].lower()
