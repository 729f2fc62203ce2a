"""DingTalk: messages to a robot by its HTTP mode, and the events that an application has subscribed to.

A robot's call has the headers `timestamp` (milliseconds) and `sign`, base64 of HMAC-SHA256 of timestamp, line break and
AppSecret; they hold for an hour (https://open.dingtalk.com/document/orgapp/receive-message). They cover no body:
whoever sees one such pair can send bodies of their own with it. So where an AES key is set up, what is not encrypted is
refused; even then the frame has no signature, and `Event.is_covered` is False.
An event's call has `msg_signature` (or `signature`), `timestamp` and `nonce` in the query, which cover the frame
(frames.py): https://open.dingtalk.com/document/orgapp/configure-event-subcription. It wants `success` back, encrypted.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.team_formation.hooks import frames, secret_forms
from services.team_formation.hooks.admission import JSON_ONLY, NOT_KNOWN, NOT_PROVEN, NOT_READABLE, not_admitted
from services.team_formation.hooks.call import JSON, Answer, Call, Event, Handshake, Outcome, Refused, Verified
from services.team_formation.hooks.identity import hashed, kind_of, known_by
from services.team_formation.hooks.json_values import number, read_object, text, written
from services.team_formation.hooks.proof import (
    WINDOW,
    is_one_of,
    is_recent,
    moment,
    read_milliseconds,
    read_seconds,
)

HOUR = 3_600
"""Seconds that a time may be behind ours, as DingTalk's documents say."""
_ENCRYPT = re.compile(rb'"encrypt"\s{0,8}:\s{0,8}"((?:[A-Za-z0-9+=]|\\?/){24,350000})"')
_TAKEN = Answer(200, b"{}", JSON)
_MUST_BE_ENCRYPTED = Refused(401, "an AES key is set up, and the robot's message is not encrypted")


@dataclass(frozen=True, slots=True)
class DingTalkSecrets:
    """AppSecrets for a robot; tokens, AES keys and receive ids for events; the current one first, and either may lack.

    The receive id is the AppKey of an application, the CorpID of an older registration, or the SuiteKey.
    """

    app_secrets: tuple[str, ...] = field(default=(), repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    aes_keys: tuple[str, ...] = field(default=(), repr=False)
    receive_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        secret_forms.check("app_secrets", self.app_secrets, r"[A-Za-z0-9_-]{16,128}", may_lack=bool(self.tokens))
        secret_forms.check("tokens", self.tokens, r"[A-Za-z0-9_-]{3,128}", may_lack=True)
        secret_forms.check("aes_keys", self.aes_keys, secret_forms.AES_KEY, may_lack=not self.tokens)
        secret_forms.check("receive_ids", self.receive_ids, r"[A-Za-z0-9]{8,64}", may_lack=not self.aes_keys)


def verify(call: Call, secrets: DingTalkSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if refused := not_admitted(call, JSON_ONLY):
        return refused
    return _robot(call, secrets) if "sign" in call.headers else _subscribed(call, secrets)


def _robot(call: Call, secrets: DingTalkSecrets) -> Outcome:
    if not _shows_secret(call, secrets):
        return NOT_PROVEN
    value = read_object(call.body)
    if value is None:
        return NOT_READABLE
    message = _decrypted(value, secrets) if secrets.aes_keys else value
    if isinstance(message, Refused):
        return message
    message_id = text(message, "msgId")
    if not message_id:
        return NOT_KNOWN
    created = number(message, "createAt")
    at = moment(created / 1000 if created is not None else None)
    kind = kind_of(text(message, "msgtype"))
    return Verified((Event(known_by(message_id), kind, written(message), at, is_covered=False),), _TAKEN)


def _shows_secret(call: Call, secrets: DingTalkSecrets) -> bool:
    timestamp = call.header("timestamp") or ""
    content = [f"{timestamp}\n{one}".encode("utf-8", "surrogatepass") for one in secrets.app_secrets]
    digests = [hmac.digest(one.encode(), raw, "sha256") for one, raw in zip(secrets.app_secrets, content, strict=True)]
    is_right = is_one_of(call.header("sign"), [base64.b64encode(digest).decode() for digest in digests])
    return is_recent(read_milliseconds(timestamp), call.received_at, HOUR, WINDOW) and is_right


def _decrypted(value: Mapping[str, object], secrets: DingTalkSecrets) -> dict[str, object] | Refused:
    """Open a robot's frame, which may name nobody whom it is for."""
    encrypted = value.get("encrypt")
    if not isinstance(encrypted, str):
        return _MUST_BE_ENCRYPTED
    message = frames.open_any(encrypted, secrets.aes_keys, (*secrets.receive_ids, ""))
    return read_object(message or b"") or NOT_PROVEN


def _subscribed(call: Call, secrets: DingTalkSecrets) -> Outcome:
    """Check the signature over the frame, found in the raw bytes, before it is opened or anything is parsed."""
    found = _ENCRYPT.findall(call.body)
    encrypted = found[0].replace(b"\\", b"").decode() if len(found) == 1 else ""
    if not secrets.tokens or not _is_signed(call, encrypted, secrets):
        return NOT_PROVEN
    message = frames.open_any(encrypted, secrets.aes_keys, secrets.receive_ids)
    if message is None:
        return NOT_PROVEN
    around, inner = read_object(call.body), read_object(message)
    if around is None or around.get("encrypt") != encrypted or inner is None:
        return NOT_READABLE
    kind, answer = text(inner, "EventType"), _success(call, secrets)
    if not kind:
        return NOT_KNOWN
    if kind == "check_url":
        return Handshake(answer)
    return Verified((Event(hashed(message), kind_of(kind), message),), answer)


def _is_signed(call: Call, encrypted: str, secrets: DingTalkSecrets) -> bool:
    timestamp, nonce = call.parameter("timestamp") or "", call.parameter("nonce") or ""
    right = [frames.signature(token, timestamp, nonce, encrypted) for token in secrets.tokens]
    name = "msg_signature" if "msg_signature" in call.query else "signature"
    is_right = is_one_of(call.parameter(name), right)
    seconds = read_milliseconds(timestamp) or read_seconds(timestamp)
    return is_recent(seconds, call.received_at, HOUR, WINDOW) and is_right and bool(frames.NONCE.fullmatch(nonce))


def _success(call: Call, secrets: DingTalkSecrets) -> Answer:
    """Make the answer that ends the event's redelivery: `success`, in a frame, signed."""
    timestamp, nonce = call.parameter("timestamp") or "", call.parameter("nonce") or ""
    encrypted = frames.seal(b"success", secrets.aes_keys[0], secrets.receive_ids[0], nonce)
    signed = frames.signature(secrets.tokens[0], timestamp, nonce, encrypted)
    said = {"msg_signature": signed, "timeStamp": timestamp, "nonce": nonce, "encrypt": encrypted}
    return Answer(200, written(said), JSON)
