"""Hand-over tokens: what a page gives to the platform's checkout with a buyer, signed and short-lived.

A token is a JSON Web Token (RFC 7519) signed with Ed25519 (RFC 8037), which anybody can check with the public keys
alone (docs/handover.md). Its header says that it is one of these (RFC 8725, section 3.11), so that whatever else is
signed some day is never taken for it. Times are those of the platform's clock, in whole seconds. It says where a buyer
comes from, and never who it is: there is no member in it, and it permits nothing.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.types import Options

from services.chassis import ids
from services.chassis.signing import KeyRing
from services.team_formation import translate
from services.team_formation.domain import Refusal

TYPE = "groupbuy-handover+jwt"
ALGORITHM = "EdDSA"
"""RFC 9864 has renamed it to Ed25519; PyJWT 2.15 knows the older name alone."""
JWKS_PATH = "/.well-known/jwks.json"
"""Where the public keys are to be read, below the public address."""
LIFETIME = timedelta(minutes=15)
LEEWAY = timedelta(minutes=1)
"""How far two machines' clocks may be apart: a token that was issued later than this from now is none of ours."""
MOST_CHARACTERS = 2_048
"""Longer ones are neither made nor read: a token travels in an address."""

_ID_BYTES = 16
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_LAST_SECOND = 253_402_300_799
"""Of the year 9999: no later time can be told."""
_NO_KEY = "no key signs hand-overs here; have the operator set GROUPBUY_HANDOVER_KEYS for team_formation"


class NoHandoverKeyError(RuntimeError):
    """A token was to be minted where no key signs: `can_mint` tells it before."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What is handed over, in words of the API; an empty SKU where the buyer chose none.

    No invite where the buyer came from the campaign's page, and no team where one is to be opened.
    """

    campaign_id: str
    team_id: str
    invite_code: str
    sku: str
    return_url: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that is good, with its random id and its times."""

    token_id: str
    handover: Handover
    issued_at: datetime
    expires_at: datetime


class HandoverTokens:
    """Mints tokens with the first key of a ring and reads those of all its keys; without a ring it can do neither."""

    def __init__(self, ring: KeyRing | None, public_url: str, lifetime: timedelta = LIFETIME) -> None:
        self._ring = ring
        self._issuer = public_url.rstrip("/")
        self._lifetime = lifetime
        public = ring.public_keys() if ring else ()
        self._keys = {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in public}
        self._jwks = json.dumps({"keys": [_jwk(key_id, raw) for key_id, raw in public]}, separators=(",", ":")).encode()

    @property
    def can_mint(self) -> bool:
        """Whether there is a key; without one an invite page can lead nobody to a checkout."""
        return self._ring is not None

    def jwks(self) -> bytes:
        """Give the public keys as a JSON Web Key Set (RFC 7517), the one that signs first; of no keys where none is."""
        return self._jwks

    def mint(self, platform_id: UUID, handover: Handover, now: datetime) -> str:
        """Make a token for a platform, at its time; NoHandoverKeyError, or ValueError where it would be too long."""
        if self._ring is None:
            raise NoHandoverKeyError(_NO_KEY)
        key_id, key = self._ring.first
        issued_at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": ids.opaque(translate.PLATFORM, platform_id),
            "jti": token_urlsafe(_ID_BYTES),
            "iat": issued_at,
            "exp": issued_at + int(self._lifetime.total_seconds()),
            **asdict(handover),
        }
        token = jwt.encode(claims, key, ALGORITHM, headers={"typ": TYPE, "kid": key_id})
        if len(token) > MOST_CHARACTERS:
            raise ValueError(f"a token of {len(token)} characters is read by nobody; shorten its return_url")
        return token

    def read(self, token: str, platform_id: UUID, now: datetime) -> Verified | Refusal:
        """Read a token that came to a platform, at its time; no text, of whatever kind, raises."""
        key = self._key(token)
        if isinstance(key, Refusal):
            return key
        claims = self._claims(token, key, ids.opaque(translate.PLATFORM, platform_id))
        if claims is None:
            # one answer for both: another platform's token is not told from a forged one
            return _invalid("it was not signed here for this platform")
        found = _verified(claims)
        if found is None:
            return _invalid("it does not say what a hand-over says")
        return _untimely(found, now) or found

    def _key(self, token: str) -> Ed25519PublicKey | Refusal:
        """Find the key that a token says it is signed with; nothing of it is to be believed yet."""
        if len(token) > MOST_CHARACTERS:
            return _invalid(f"it has more than {MOST_CHARACTERS:,} characters")
        if not _FORM.fullmatch(token):
            return _invalid("it is no JSON Web Token with a signature by Ed25519")
        if not self._keys:
            return _invalid(_NO_KEY)
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return _invalid("its header cannot be read")
        if header.get("typ") != TYPE:
            return _invalid(f"its typ is not {TYPE}")
        return self._keys.get(header.get("kid", "")) or _invalid("its key is not, or no longer, published here")

    def _claims(self, token: str, key: Ed25519PublicKey, audience: str) -> dict[str, Any] | None:
        """Check signature, issuer and audience; not the times, which PyJWT compares with the machine's clock."""
        by_hand: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "strict_aud": True}
        try:
            return jwt.decode(token, key, [ALGORITHM], by_hand, audience=audience, issuer=self._issuer)
        except jwt.PyJWTError:
            return None


def _verified(claims: Mapping[str, Any]) -> Verified | None:
    """Take what a hand-over has from signed claims; None where some is missing, and what is not known is left aside."""
    texts: list[Any] = [claims.get(name) for name in ("jti", *Handover.__slots__)]
    times: list[Any] = [claims.get(name) for name in ("iat", "exp")]
    if not all(isinstance(text, str) for text in texts) or not all(map(_is_time, times)):
        return None
    token_id, *rest = texts
    issued_at, expires_at = (datetime.fromtimestamp(at, UTC) for at in times)
    return Verified(token_id, Handover(*rest), issued_at, expires_at)


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LAST_SECOND  # JSON's true would be an int too


def _untimely(found: Verified, now: datetime) -> Refusal | None:
    if found.issued_at > now + LEEWAY:
        return _invalid("it was issued in the future")
    if found.expires_at <= now:
        return Refusal("HANDOVER_EXPIRED", {"expires_at": found.expires_at.isoformat().replace("+00:00", "Z")})
    return None


def _invalid(why: str) -> Refusal:
    return Refusal("HANDOVER_INVALID", {"why": why})


def _jwk(key_id: str, public: bytes) -> dict[str, str]:
    """Describe a public key as RFC 8037, section 2, and RFC 7517, section 4, say."""
    x = urlsafe_b64encode(public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": key_id, "x": x}
