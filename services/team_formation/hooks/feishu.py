"""Feishu and Lark: events and callbacks, encrypted and signed with the app's Encrypt Key.

https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key-encryption-configuration-case:
`X-Lark-Signature` is SHA-256 of timestamp, nonce, key and body; the body is {"encrypt": ...}, AES-256-CBC with SHA-256
of the key and the first 16 bytes as IV. What is inside has the Verification Token, which is compared too. The request
that tries our address (`url_verification`) is encrypted but not signed; it alone may come without a signature. What is
not encrypted is refused: its token would be all there is, in every body, without a time. Events have an `event_id`.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.team_formation.hooks import secret_forms
from services.team_formation.hooks.admission import JSON_ONLY, NOT_KNOWN, NOT_PROVEN, NOT_READABLE, not_admitted
from services.team_formation.hooks.call import JSON, Answer, Call, Event, Handshake, Outcome, Verified
from services.team_formation.hooks.identity import kind_of, known_by
from services.team_formation.hooks.json_values import number, read_object, text, written
from services.team_formation.hooks.proof import is_one_of, is_recent, matches, moment, read_seconds

_NONCE = re.compile(r"[\x21-\x7e]{1,128}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BLOCK = 16
_PROOFS = ("x-lark-signature", "x-lark-request-timestamp", "x-lark-request-nonce")
_LONGEST_CHALLENGE = 500
_TAKEN = Answer(200, b"{}", JSON)


@dataclass(frozen=True, slots=True)
class FeishuSecrets:
    """Encrypt Keys and Verification Tokens of the app, the current one first."""

    encrypt_keys: tuple[str, ...] = field(repr=False)
    verification_tokens: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        secret_forms.check("encrypt_keys", self.encrypt_keys, r"[\x21-\x7e]{8,128}")
        secret_forms.check("verification_tokens", self.verification_tokens, r"[\x21-\x7e]{8,128}")


def verify(call: Call, secrets: FeishuSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if refused := not_admitted(call, JSON_ONLY):
        return refused
    if any(name in call.headers for name in _PROOFS):
        keys = _signing(call, secrets)
        return _signed(call, keys, secrets) if keys else NOT_PROVEN
    return _unsigned(call, secrets)


def _signing(call: Call, secrets: FeishuSecrets) -> list[str]:
    """Name the keys that have signed a call, which is none or one."""
    signature, timestamp, nonce = (call.header(name) or "" for name in _PROOFS)
    right = [_signature(timestamp, nonce, key, call.body) for key in secrets.encrypt_keys]
    found = matches(signature, right)
    is_now = is_recent(read_seconds(timestamp), call.received_at) and bool(_NONCE.fullmatch(nonce))
    return [key for key, is_right in zip(secrets.encrypt_keys, found, strict=True) if is_right and is_now]


def _signature(timestamp: str, nonce: str, key: str, body: bytes) -> str:
    return hashlib.sha256((timestamp + nonce + key).encode("utf-8", "surrogatepass") + body).hexdigest()


def _signed(call: Call, keys: list[str], secrets: FeishuSecrets) -> Outcome:
    outer = read_object(call.body)
    if outer is None:
        return NOT_READABLE
    inner = _opened(outer, keys)
    if inner is None or not is_one_of(_token(inner), secrets.verification_tokens):
        return NOT_PROVEN
    if _is_challenge(inner):
        return _challenge(inner)
    event_id = text(inner, "header", "event_id") or text(inner, "uuid")
    if not event_id:
        return NOT_KNOWN
    kind = text(inner, "header", "event_type") or text(inner, "event", "type")
    created = number(inner, "header", "create_time")
    at = moment(created / 1000 if created is not None else None)
    return Verified((Event(known_by(event_id), kind_of(kind), written(inner), at),), _TAKEN)


def _unsigned(call: Call, secrets: FeishuSecrets) -> Outcome:
    """Answer the try of our address. Every failure is the same: who cannot sign learns nothing of what opens."""
    inner = _opened(read_object(call.body) or {}, secrets.encrypt_keys)
    is_known = is_one_of(_token(inner or {}), secrets.verification_tokens)
    return _challenge(inner) if inner and is_known and _is_challenge(inner) else NOT_PROVEN


def _token(inner: Mapping[str, object]) -> str:
    return text(inner, "header", "token") or text(inner, "token")


def _is_challenge(inner: Mapping[str, object]) -> bool:
    return text(inner, "type") == "url_verification" and bool(text(inner, "challenge"))


def _challenge(inner: Mapping[str, object]) -> Handshake:
    challenge = {"challenge": text(inner, "challenge", longest=_LONGEST_CHALLENGE)}
    return Handshake(Answer(200, written(challenge), JSON))


def _opened(outer: Mapping[str, object], keys: tuple[str, ...] | list[str]) -> dict[str, object] | None:
    """Open the body with the key that fits; None where none does, or it has no JSON object in it."""
    encrypted = outer.get("encrypt")
    if not isinstance(encrypted, str) or not _BASE64.fullmatch(encrypted):
        return None
    sealed = base64.b64decode(encrypted)
    if len(sealed) < 2 * _BLOCK or len(sealed) % _BLOCK:
        return None
    opened = [read_object(_decrypted(sealed, key)) for key in keys]
    return next((inner for inner in opened if inner is not None), None)


def _decrypted(sealed: bytes, key: str) -> bytes:
    """Decrypt and take off the padding (PKCS#7 to 16); nothing where it is not right, which is no JSON either."""
    cipher = Cipher(algorithms.AES(hashlib.sha256(key.encode()).digest()), modes.CBC(sealed[:_BLOCK])).decryptor()
    padded = cipher.update(sealed[_BLOCK:]) + cipher.finalize()
    pad = padded[-1]
    is_right = 1 <= pad <= _BLOCK and padded.endswith(bytes([pad]) * pad)
    return padded[: len(padded) - pad] if is_right else b""
