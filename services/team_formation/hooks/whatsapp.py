"""WhatsApp: webhooks of Meta's Cloud API, signed with the Meta app's secret.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started: a GET with `hub.mode=subscribe` and our verify
token wants `hub.challenge` back; of a POST, `X-Hub-Signature-256` is `sha256=` and HMAC-SHA256 of the body as it was
sent, in which Meta escapes what is not ASCII. No time is signed, so an old call can be sent again. Messages have an
`id` each; what else a call brings (how far our own messages got, changes of the account) is not kept:
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages.
"""

import hmac
import re
from dataclasses import dataclass, field

from services.team_formation.hooks import secret_forms
from services.team_formation.hooks.admission import JSON_ONLY, NOT_KNOWN, NOT_PROVEN, NOT_READABLE, not_admitted
from services.team_formation.hooks.call import Answer, Call, Event, Handshake, Outcome, Refused, Verified
from services.team_formation.hooks.identity import kind_of, known_by
from services.team_formation.hooks.json_values import at, items, number, read_object, text, written
from services.team_formation.hooks.proof import is_one_of, moment

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_NOT_SUBSCRIBED = Refused(403, "the subscription does not show the verify token")


@dataclass(frozen=True, slots=True)
class WhatsAppSecrets:
    """Secrets of the Meta app, the current one first, and the tokens that its subscriptions show."""

    app_secrets: tuple[str, ...] = field(repr=False)
    verify_tokens: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        secret_forms.check("app_secrets", self.app_secrets, r"[0-9A-Za-z]{16,128}")
        secret_forms.check("verify_tokens", self.verify_tokens, r"[\x21-\x7e]{8,256}")


def verify(call: Call, secrets: WhatsAppSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if call.method == "GET":
        return _subscription(call, secrets)
    if refused := not_admitted(call, JSON_ONLY):
        return refused
    right = [f"sha256={hmac.digest(one.encode(), call.body, 'sha256').hex()}" for one in secrets.app_secrets]
    if not is_one_of(call.header("x-hub-signature-256"), right):
        return NOT_PROVEN
    value = read_object(call.body)
    if value is None:
        return NOT_READABLE
    return _messages(value)


def _subscription(call: Call, secrets: WhatsAppSecrets) -> Outcome:
    challenge = call.parameter("hub.challenge") or ""
    is_known = is_one_of(call.parameter("hub.verify_token"), secrets.verify_tokens)
    is_asked = call.parameter("hub.mode") == "subscribe" and bool(_CHALLENGE.fullmatch(challenge))
    return Handshake(Answer(200, challenge.encode())) if is_known and is_asked else _NOT_SUBSCRIBED


def _messages(value: dict[str, object]) -> Outcome:
    """Take the messages out of a call, each with the number that it came to and whom it is from."""
    changes = [change for entry in items(value, "entry") for change in items(entry, "changes")]
    if not changes:
        return NOT_KNOWN
    values = [at(change, "value") for change in changes if text(change, "field") == "messages"]
    events = [_event(one, message) for one in values for message in items(one, "messages")]
    return Verified(tuple(one for one in events if one)) if all(events) else NOT_KNOWN


def _event(value: object, message: object) -> Event | None:
    message_id = text(message, "id")
    if not message_id:
        return None
    payload = {"metadata": at(value, "metadata"), "contacts": at(value, "contacts"), "message": message}
    kind = kind_of(text(message, "type"))
    return Event(known_by(message_id), kind, written(payload), moment(number(message, "timestamp")))
