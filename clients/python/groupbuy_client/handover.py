"""Checks hand-over tokens, with which an invite page sends a buyer to a checkout, by the published keys alone.

It needs PyJWT with cryptography: the extra `handover` of this package.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jwt

TYPE = "groupbuy-handover+jwt"
MOST_CHARACTERS = 2_048
LEEWAY_SECONDS = 60
"""How far two machines' clocks may be apart."""
Why: TypeAlias = Literal["HANDOVER_INVALID", "HANDOVER_EXPIRED", "KEY_NOT_FOUND"]
_TEXTS = ("jti", "campaign_id", "team_id", "invite_code", "sku", "return_url")
_TIMES = ("iat", "exp")


class HandoverError(ValueError):
    """A token that is no good: send the buyer back to the invite link.

    `reason` is what VerifyHandover would refuse it with, or KEY_NOT_FOUND where its key is not in this key set: read
    the set again, once a minute at most, and try once more.
    """

    def __init__(self, reason: Why, why: str) -> None:
        super().__init__(why)
        self.reason: Why = reason


@dataclass(frozen=True, slots=True)
class Handover:
    """Where a buyer comes from. It is no credential and says nothing of the person."""

    token_id: str
    """Use it as the request id of JoinTeam or OpenTeam: then the same token twice takes no second seat."""
    campaign_id: str
    team_id: str
    invite_code: str
    sku: str
    return_url: str
    issued_at: int
    """Seconds since 1970, as expires_at."""
    expires_at: int


def verify_handover(token: str, jwks: str, issuer: str, platform_id: str, *, now: float | None = None) -> Handover:
    """Check a token that came to your checkout; HandoverError where it is no good.

    `jwks` is the text of /.well-known/jwks.json below the public address, which is the `issuer`. `now` are seconds
    since 1970, by this machine's clock where nothing is given.
    """
    claims = _signed(token, jwks, issuer, platform_id)
    texts: list[Any] = [claims.get(name) for name in _TEXTS]
    times: list[Any] = [claims.get(name) for name in _TIMES]
    if not all(isinstance(text, str) for text in texts) or not all(type(at) is int for at in times):
        raise HandoverError("HANDOVER_INVALID", "it does not say what a hand-over says")
    found = Handover(*texts, *times)
    at = time.time() if now is None else now
    if found.issued_at > at + LEEWAY_SECONDS:
        raise HandoverError("HANDOVER_INVALID", "it was issued in the future")
    if found.expires_at <= at - LEEWAY_SECONDS:
        raise HandoverError("HANDOVER_EXPIRED", "it has expired")
    return found


def _signed(token: str, jwks: str, issuer: str, platform_id: str) -> Mapping[str, Any]:
    """Read the claims of a token that was signed by one of the keys for this platform."""
    key = _key(token, jwks)
    # the algorithm is said here and never taken from the token; the times are looked at by whoever asks
    rules: Any = {"require": ["iss", "aud"], "strict_aud": True, "verify_exp": False, "verify_iat": False}
    try:
        claims: Mapping[str, Any] = jwt.decode(token, key, ["EdDSA"], rules, issuer=issuer, audience=platform_id)
    except jwt.PyJWTError:
        raise HandoverError("HANDOVER_INVALID", "it was not signed there for this platform") from None
    return claims


def _key(token: str, jwks: str) -> jwt.PyJWK:
    try:
        header = jwt.get_unverified_header(token) if len(token) <= MOST_CHARACTERS and token.isascii() else {}
    except jwt.PyJWTError:
        header = {}
    if header.get("typ") != TYPE:
        raise HandoverError("HANDOVER_INVALID", "it is no hand-over token")
    published = {key.get("kid"): key for key in json.loads(jwks)["keys"]}
    if header.get("kid") not in published:
        raise HandoverError("KEY_NOT_FOUND", "its key is not in this key set")
    return jwt.PyJWK(published[header["kid"]])
