"""Checks what the engine posts to a webhook endpoint, as the Standard Webhooks specification says (symmetric, v1).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOLERANCE_SECONDS = 300
"""How old a post may be, or how far ahead of this machine's clock: an older one somebody may have kept."""
_PREFIX = "whsec_"
_VERSION = "v1,"
_MOST_DIGITS = 15


class WebhookError(ValueError):
    """A post that must not be believed: answer it with 400, and do nothing else with it."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event. Keep the ids you have seen: an event may be posted again, under the same id."""

    event_id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]


def verify_webhook(headers: Mapping[str, str], body: bytes, secret: str, *, now: float | None = None) -> WebhookEvent:
    """Check a post by its headers and the bytes of its body, as they came; WebhookError where it is no good.

    `now` are seconds since 1970 by this machine's clock where nothing is given.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, sent_at, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise WebhookError(f"the header {missing.args[0]} is missing") from None
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= _MOST_DIGITS):
        raise WebhookError("webhook-timestamp is no number of seconds")
    if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE_SECONDS:
        raise WebhookError("it was sent too long ago, or the clocks are apart")
    content = b".".join([event_id.encode(errors="replace"), sent_at.encode(), body])
    wanted = base64.b64encode(hmac.digest(_key(secret), content, "sha256"))
    ours = [
        item.removeprefix(_VERSION).encode(errors="replace")
        for item in signatures.split(" ")
        if item.startswith(_VERSION)
    ]
    if not any([hmac.compare_digest(wanted, item) for item in ours]):  # noqa: C419 - each of them is looked at
        raise WebhookError("no signature is by this secret")
    return _event(event_id, body)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key or not secret.startswith(_PREFIX):
        raise WebhookError('the secret must be "whsec_" and base64: an empty one would let anybody in')
    return key


def _event(event_id: str, body: bytes) -> WebhookEvent:
    try:
        said = json.loads(body)
        return WebhookEvent(event_id, said["type"], said["timestamp"], said["data"])
    except (ValueError, KeyError, TypeError):
        raise WebhookError("its body is no event") from None
