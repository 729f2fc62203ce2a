"""Reads one picture from where a platform keeps it: bounded in bytes, time and redirects, each judged by the guard."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from services.chassis.http import Http, NotAllowed, NotReached, Reply

MOST_BYTES = 8 * 1024 * 1024
"""Of a picture, before it is made smaller."""
SECONDS = 15.0
"""For all of it, redirects included."""
MOST_REDIRECTS = 3
CONNECTIONS = 16
_LONGEST_TAG = 200
_REDIRECTS = {301, 302, 303, 307, 308}
_OK, _UNCHANGED = 200, 304


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is to be looked at, and what its server calls it."""

    raw: bytes = field(repr=False)
    tag: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server still has what we have."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No picture; `why` is for the platform, and names no address."""

    why: str


Outcome: TypeAlias = Fetched | Unchanged | Failed


def client(*, allow_private: bool) -> Http:
    """Make the client that pictures are read by. What a server packs stays so: a few bytes may be packed gigabytes."""
    return Http(
        seconds=SECONDS + 1,  # `fetch` ends earlier, and says so
        connections=CONNECTIONS,
        allow_private=allow_private,
        most_bytes=MOST_BYTES + 1,
        unpacks=False,
    )


async def fetch(http: Http, source: str, tag: str) -> Outcome:
    """Read what is at an address, which is https as campaigns have it, unless its server calls it by `tag` still."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _followed(http, source, tag)
    except TimeoutError:
        return Failed(f"its server took longer than {SECONDS:g} seconds")
    except NotAllowed as problem:
        return Failed(f"the address {problem}")
    except NotReached as problem:
        return Failed(f"its server did not answer: {problem}".rstrip(": "))


async def _followed(http: Http, source: str, tag: str) -> Outcome:
    headers = {"Accept": "image/webp,image/png,image/jpeg,image/gif", "Accept-Encoding": "identity"}
    if tag:
        headers["If-None-Match"] = tag
    for _ in range(MOST_REDIRECTS + 1):
        reply = await http.get(source, headers=headers)
        location = reply.headers.get("location", "")
        if reply.status not in _REDIRECTS or not location:
            return _read(reply, tag)
        source = urljoin(source, location)
        if urlsplit(source).scheme != "https" and not http.allows_private:
            return Failed("it redirects to an address that is not https")
    return Failed(f"it redirects more than {MOST_REDIRECTS} times")


def _read(reply: Reply, tag: str) -> Outcome:
    if reply.status == _UNCHANGED and tag:
        return Unchanged()
    if reply.status != _OK:
        return Failed(f"its server answered {reply.status}")
    if len(reply.body) > MOST_BYTES:
        return Failed(f"the file is larger than {MOST_BYTES // 2**20} MiB")
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind == "application/json":
        return Failed(f"its server answered with {kind}, which is no picture")
    named = reply.headers.get("etag", "")
    return Fetched(reply.body, named if len(named) <= _LONGEST_TAG and named.isascii() else "")
