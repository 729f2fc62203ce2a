"""Slack: events, buttons and slash commands, signed with the app's signing secret.

`X-Slack-Signature` is `v0=` and HMAC-SHA256 of `v0:{X-Slack-Request-Timestamp}:{body}`, the time within five minutes:
https://docs.slack.dev/authentication/verifying-requests-from-slack. Events come as JSON with an `event_id`
(https://docs.slack.dev/apis/events-api), buttons as a form with a JSON `payload`
(https://docs.slack.dev/interactivity/handling-user-interaction), slash commands as a form
(https://docs.slack.dev/interactivity/implementing-slash-commands); these two have no id but the `trigger_id`.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from services.team_formation.hooks import secret_forms
from services.team_formation.hooks.admission import (
    NOT_KNOWN,
    NOT_PROVEN,
    NOT_READABLE,
    media_type,
    not_admitted,
)
from services.team_formation.hooks.call import Answer, Call, Event, Handshake, Outcome, Verified
from services.team_formation.hooks.identity import hashed, kind_of, known_by
from services.team_formation.hooks.json_values import number, read_object, text, written
from services.team_formation.hooks.proof import is_one_of, is_recent, moment, read_seconds

_FORM = "application/x-www-form-urlencoded"
_TYPES = frozenset({"application/json", _FORM})
_MOST_FIELDS = 50
_LONGEST_CHALLENGE = 500


@dataclass(frozen=True, slots=True)
class SlackSecrets:
    """Signing secrets of the app, the current one first."""

    signing_secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        secret_forms.check("signing_secrets", self.signing_secrets, r"[0-9A-Za-z]{16,128}")


def verify(call: Call, secrets: SlackSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if refused := not_admitted(call, _TYPES):
        return refused
    if not _is_signed(call, secrets):
        return NOT_PROVEN
    return _form(call) if media_type(call) == _FORM else _json(call)


def _is_signed(call: Call, secrets: SlackSecrets) -> bool:
    timestamp = call.header("x-slack-request-timestamp") or ""
    content = b"v0:" + timestamp.encode("latin-1", "replace") + b":" + call.body
    right = [f"v0={hmac.digest(one.encode(), content, 'sha256').hex()}" for one in secrets.signing_secrets]
    is_right = is_one_of(call.header("x-slack-signature"), right)
    return is_recent(read_seconds(timestamp), call.received_at) and is_right


def _json(call: Call) -> Outcome:
    value = read_object(call.body)
    if value is None:
        return NOT_READABLE
    kind = text(value, "type", longest=64)
    if kind == "url_verification":
        return Handshake(Answer(200, text(value, "challenge", longest=_LONGEST_CHALLENGE).encode()))
    event_id = text(value, "event_id")
    if not kind or (kind == "event_callback" and not event_id):
        return NOT_KNOWN
    if kind != "event_callback":
        return Verified(())  # such as app_rate_limited: nothing happened in a chat
    return _verified(call, known_by(event_id), text(value, "event", "type"), call.body, number(value, "event_time"))


def _form(call: Call) -> Outcome:
    fields = _fields(call.body)
    if fields is None:
        return NOT_READABLE
    if fields.get("ssl_check") == "1":
        return Handshake(Answer(200))
    value = read_object(fields["payload"].encode()) if "payload" in fields else _command(fields)
    if value is None:
        return NOT_READABLE
    trigger = text(value, "trigger_id")
    event_id = known_by(trigger) if trigger else hashed(call.body)
    seconds = read_seconds(call.header("x-slack-request-timestamp"))
    return _verified(call, event_id, text(value, "type"), written(value), seconds)


def _fields(body: bytes) -> dict[str, str] | None:
    """Read a form; None where it is none, or a name comes twice."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


def _command(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Make of a slash command's form what is kept of it, with a `type` as the others have."""
    return {**fields, "type": "slash_command"} if fields.get("command") else None


def _verified(call: Call, event_id: str, kind: str, payload: bytes, seconds: int | None) -> Verified:
    # The header is not signed. It says no more than that this came before, which the id shows as well.
    again = call.header("x-slack-retry-num") is not None
    return Verified((Event(event_id, kind_of(kind), payload, moment(seconds), is_redelivery=again),))
