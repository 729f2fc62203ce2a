"""A call as it comes over HTTP: its metadata, and its body within bounds of size and time."""

import asyncio

from starlette.types import Receive, Scope

from services.chassis.errors import FieldViolation, Rejected

MOST_BYTES = 4 * 1024 * 1024
"""Of a body: what gRPC takes, too."""
BODY_SECONDS = 10.0
"""For a body to come whole."""


class BadRequest(Rejected):
    """What HTTP has a status of its own for; `closes` where the rest of the request is not read."""

    def __init__(self, http_status: int, field: str, description: str, *, closes: bool = False) -> None:
        super().__init__("INVALID_ARGUMENT", fields=(FieldViolation(field, description),))
        self.http_status = http_status
        self.closes = closes


class Gone(Exception):
    """The caller has closed the connection: nobody waits for an answer."""


def metadata_of(scope: Scope) -> dict[str, str]:
    """Read the headers of a request as the metadata of a call."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def body_of(scope: Scope, receive: Receive) -> bytes:
    """Read the body of a call; BadRequest where it is no JSON by its headers, too long or too slow."""
    _check_type(metadata_of(scope))
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(receive)
    except TimeoutError:
        raise BadRequest(
            408, "request", f"its body did not come within {BODY_SECONDS:g} seconds", closes=True
        ) from None


def _check_type(headers: dict[str, str]) -> None:
    kind, _, rest = headers.get("content-type", "").partition(";")
    charset = rest.strip().lower().replace('"', "").removeprefix("charset=")
    if kind.strip().lower() != "application/json" or charset not in {"", "utf-8"}:
        raise BadRequest(415, "content-type", "must be application/json, in UTF-8", closes=True)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest(415, "content-encoding", "a body is sent as it is", closes=True)
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise _too_long()


async def _received(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise _too_long()
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_long() -> BadRequest:
    return BadRequest(413, "request", f"its body has more than {MOST_BYTES:,} bytes", closes=True)
