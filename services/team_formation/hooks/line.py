"""LINE: webhook events, signed with the channel secret.

https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature: `x-line-signature` is base64 of HMAC-SHA256
of the body. No time is signed, so an old call can be sent again; every event has a `webhookEventId`, and its
`deliveryContext` says whether LINE itself sends it again. A call without events asks whether somebody is here:
https://developers.line.biz/en/reference/messaging-api/#request-body.
"""

import base64
import hmac
from dataclasses import dataclass, field

from services.team_formation.hooks import secret_forms
from services.team_formation.hooks.admission import JSON_ONLY, NOT_KNOWN, NOT_PROVEN, NOT_READABLE, not_admitted
from services.team_formation.hooks.call import Answer, Call, Event, Handshake, Outcome, Verified
from services.team_formation.hooks.identity import kind_of, known_by
from services.team_formation.hooks.json_values import at, number, read_object, text, written
from services.team_formation.hooks.proof import is_one_of, moment


@dataclass(frozen=True, slots=True)
class LineSecrets:
    """Channel secrets, the current one first. LINE knows one at a time: reissued, it changes at once."""

    channel_secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        secret_forms.check("channel_secrets", self.channel_secrets, r"[0-9A-Za-z]{16,128}")


def verify(call: Call, secrets: LineSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if refused := not_admitted(call, JSON_ONLY):
        return refused
    digests = [hmac.digest(one.encode(), call.body, "sha256") for one in secrets.channel_secrets]
    if not is_one_of(call.header("x-line-signature"), [base64.b64encode(one).decode() for one in digests]):
        return NOT_PROVEN
    value = read_object(call.body)
    if value is None:
        return NOT_READABLE
    given = at(value, "events")
    if not isinstance(given, list):
        return NOT_KNOWN
    if not given:
        return Handshake(Answer(200))
    events = [_event(text(value, "destination"), one) for one in given]
    return Verified(tuple(one for one in events if one)) if all(events) else NOT_KNOWN


def _event(destination: str, event: object) -> Event | None:
    event_id = text(event, "webhookEventId")
    if not event_id:
        return None
    milliseconds = number(event, "timestamp")
    return Event(
        known_by(event_id),
        kind_of(text(event, "type")),
        written({"destination": destination, "event": event}),
        moment(milliseconds / 1000 if milliseconds is not None else None),
        is_redelivery=at(event, "deliveryContext", "isRedelivery") is True,
    )
