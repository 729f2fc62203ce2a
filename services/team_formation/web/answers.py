"""Answers of the web edge: bytes that are made once and sent often, with the headers that keep a page safe."""

import gzip
import hashlib
import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

HTML = b"text/html; charset=utf-8"
JSON = b"application/json"
IMMUTABLE = b"public, max-age=31536000, immutable"
FRESH = b"no-cache"
"""Kept, and asked for again each time: If-None-Match makes that cheap."""
NO_STORE = b"no-store"
NOSNIFF = (b"x-content-type-options", b"nosniff")
A_DAY = b"public, max-age=86400"
_SHORTEST_PACKED = 256
_GZIP = re.compile(rb"\bgzip\b(?!\s*;\s*q\s*=\s*0(?:\.0*)?\s*(?:,|$))")
"""A coding with the weight 0 is not taken (RFC 9110, section 12.5.3)."""


def digest(content: bytes) -> str:
    """Hash content as Content-Security-Policy and ETags have it here."""
    return b64encode(hashlib.sha256(content).digest()).decode()


@dataclass(frozen=True, slots=True)
class Body:
    """Content with its validator, as it is and packed."""

    kind: bytes
    plain: bytes
    packed: bytes
    """By gzip; empty where that is not worth it."""
    etag: bytes
    """Weak: both forms have the same."""


def body_of(kind: bytes, content: bytes, *, packs: bool = True) -> Body:
    """Make content ready to be sent often; the same content gives the same bytes. A picture is packed already."""
    packed = gzip.compress(content, 6, mtime=0) if packs and len(content) >= _SHORTEST_PACKED else b""
    return Body(kind, content, packed, b'W/"' + digest(content)[:22].encode() + b'"')


class Answer:
    """One answer, which is an ASGI application."""

    def __init__(self, status: int, headers: Headers, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.content})


def answer(request: Request, body: Body, headers: Headers, status: int = 200) -> Answer:
    """Answer a request: packed where the client takes that, and with 304 where it has the same already."""
    sent = [(b"etag", body.etag), (b"vary", b"accept-encoding, accept-language"), *headers]
    asked = dict(request.scope["headers"])
    if status == 200 and _has(asked.get(b"if-none-match", b""), body.etag):  # noqa: PLR2004 - OK
        return Answer(304, sent, b"")
    content = body.plain
    if body.packed and _GZIP.search(asked.get(b"accept-encoding", b"")):
        content = body.packed
        sent.append((b"content-encoding", b"gzip"))
    return Answer(status, [*sent, (b"content-type", body.kind), (b"content-length", b"%d" % len(content))], content)


def _has(validators: bytes, etag: bytes) -> bool:
    """Tell whether a client has a page already (RFC 9110, section 13.1.2)."""
    return etag in validators or validators.strip() == b"*"


def redirect(url: str, headers: Headers) -> Answer:
    """Send a visitor on, by GET."""
    return Answer(303, [*headers, (b"location", url.encode()), (b"content-length", b"0")], b"")


def cross_origin(request: Request, origins: Collection[str]) -> Headers:
    """Give the headers that let the pages of some origins read an answer."""
    origin = request.headers.get("origin", "")
    if origin not in origins:
        return [(b"vary", b"origin")]
    allowed = [(b"access-control-allow-origin", origin.encode()), (b"access-control-expose-headers", b"date, etag")]
    return [(b"vary", b"origin"), *allowed]


def common(cache: bytes) -> Headers:
    """Give the headers of every answer."""
    return [(b"cache-control", cache), NOSNIFF]


def for_pages(cache: bytes, style: str, *, scripts: str = "", frames: str = "'none'") -> Headers:
    """Give the headers of a page: only what this origin serves is loaded, and the one style sheet that it brings.

    `scripts` and `frames` are other sources of those, where a page needs any.
    """
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self';"
        f" img-src 'self' data:; script-src 'self'{scripts and f' {scripts}'}; frame-src {frames};"
        f" style-src 'sha256-{digest(style.encode())}'"
    )
    return [
        *common(cache),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
        (b"x-robots-tag", b"noindex"),
    ]
