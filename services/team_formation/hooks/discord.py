"""Discord: interactions and webhook events, signed with the application's Ed25519 key.

https://docs.discord.com/developers/interactions/overview#validating-security-request-headers: `X-Signature-Ed25519` is
the hex of the signature over `X-Signature-Timestamp` and the body; what does not hold is answered 401, which Discord
tries on purpose. PING interactions want {"type": 1}, PINGs of webhook events 204:
https://docs.discord.com/developers/events/webhook-events. Interactions have an id and are sent once; webhook events
have none, and are sent again for up to ten minutes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.team_formation.hooks import secret_forms
from services.team_formation.hooks.admission import JSON_ONLY, NOT_KNOWN, NOT_PROVEN, NOT_READABLE, not_admitted
from services.team_formation.hooks.call import JSON, Answer, Call, Event, Handshake, Outcome, Verified
from services.team_formation.hooks.identity import hashed, kind_of, known_by
from services.team_formation.hooks.json_values import at, number, read_object, text
from services.team_formation.hooks.proof import is_recent, moment, read_seconds

_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_EPOCH_MILLISECONDS = 1_420_070_400_000
"""Of the time in their ids: https://docs.discord.com/developers/reference#snowflakes."""
_PING = 1
_KINDS = {2: "command", 3: "component", 4: "autocomplete", 5: "modal"}
"""Types of interactions, by the words of https://docs.discord.com/developers/interactions/receiving-and-responding."""
_ANSWERS = {
    2: Answer(200, b'{"type":5,"data":{"flags":64}}', JSON),
    3: Answer(200, b'{"type":6}', JSON),
    4: Answer(200, b'{"type":8,"data":{"choices":[]}}', JSON),
    5: Answer(200, b'{"type":5,"data":{"flags":64}}', JSON),
}
"""That more comes later, for who asked alone (flag 64): it may be about their own place. No suggestions."""


@dataclass(frozen=True, slots=True)
class DiscordSecrets:
    """Public keys of the application in hex, the current one first. They are no secret; what they stand for is."""

    public_keys: tuple[str, ...]

    def __post_init__(self) -> None:
        secret_forms.check("public_keys", self.public_keys, r"[0-9a-f]{64}")


def verify(call: Call, secrets: DiscordSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if refused := not_admitted(call, JSON_ONLY):
        return refused
    if not _is_signed(call, secrets):
        return NOT_PROVEN
    value = read_object(call.body)
    if value is None:
        return NOT_READABLE
    kind = at(value, "type")
    if "token" in value or (kind == _PING and "event" not in value):
        return _interaction(call, value, kind)
    return _webhook_event(call, value, kind)


def _is_signed(call: Call, secrets: DiscordSecrets) -> bool:
    timestamp, signature = call.header("x-signature-timestamp") or "", call.header("x-signature-ed25519") or ""
    if not _SIGNATURE.fullmatch(signature) or not is_recent(read_seconds(timestamp), call.received_at):
        return False
    content = timestamp.encode() + call.body
    return any([_holds(key, bytes.fromhex(signature), content) for key in secrets.public_keys])  # noqa: C419 - all


def _holds(key: str, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _interaction(call: Call, value: Mapping[str, object], kind: object) -> Outcome:
    if kind == _PING:
        return Handshake(Answer(200, b'{"type":1}', JSON))
    interaction = text(value, "id")
    if not interaction or not isinstance(kind, int) or kind not in _KINDS:
        return NOT_KNOWN
    event = Event(known_by(interaction), _KINDS[kind], call.body, _made_at(number(value, "id")))
    return Verified((event,), _ANSWERS[kind])


def _webhook_event(call: Call, value: Mapping[str, object], kind: object) -> Outcome:
    if kind == 0:
        return Handshake(Answer(204, content_type=JSON))
    if kind != 1:
        return NOT_KNOWN
    event = Event(hashed(call.body), kind_of(text(value, "event", "type")), call.body)
    return Verified((event,), Answer(204))


def _made_at(snowflake: int | None) -> datetime | None:
    return moment(((snowflake >> 22) + _EPOCH_MILLISECONDS) / 1000) if snowflake is not None else None
