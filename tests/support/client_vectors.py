"""Webhooks and hand-over tokens for verifiers, good ones and forged ones, as the engine itself makes them.

The verifiers of every client language are given the same.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.chassis import ids
from services.notification.signatures import signed_headers
from services.team_formation import translate
from services.team_formation.handover import HandoverTokens
from tests.support.formation import PUBLIC_URL
from tests.support.handing_over import a_handover, changed, put_together, taken_apart, tokens
from tests.support.quoting import FIRST, SECOND, ring

AT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
PLATFORM, OTHER = UUID(int=5), UUID(int=6)
SECRET, FORMER = (f"whsec_{b64encode(bytes([number]) * 32).decode()}" for number in (7, 8))
BODY = json.dumps(
    {"type": "team.seat_confirmed", "timestamp": "2026-11-29T08:00:00.000Z", "data": {"title": "Mangos ñ 芒果"}},
    ensure_ascii=False,
).encode()


def webhooks() -> list[dict[str, Any]]:
    """List posts: `good` says whether they are to be believed by `secret` at `now`."""
    signed = signed_headers("0199c3b0-0000-7000-8000-000000000001", AT, BODY, [SECRET])
    both = signed_headers("0199c3b0-0000-7000-8000-000000000001", AT, BODY, [FORMER, SECRET])
    no_event = signed_headers("0199c3b0-0000-7000-8000-000000000001", AT, b"[]", [SECRET])
    without = {name: value for name, value in signed.items() if name != "webhook-signature"}
    signature = signed["webhook-signature"]
    return [
        _post("as it is", signed, good=True),
        _post("by the new secret", both, good=True),
        _post("by the former secret", both, secret=FORMER, good=True),
        _post("names of headers as some servers write them", {k.title(): v for k, v in signed.items()}, good=True),
        _post("just in time", signed, seconds=300, good=True),
        _post("from a clock ahead", signed, seconds=-300, good=True),
        _post("beside a signature of another version", _with(signed, f"v1a,abc {signature}"), good=True),
        _post("too old", signed, seconds=301),
        _post("from the future", signed, seconds=-301),
        _post("another body", signed, body=BODY.replace(b"seat", b"team")),
        _post("another secret", signed, secret=FORMER),
        _post("an empty secret", signed_headers("a", AT, BODY, ["whsec_"]), secret="whsec_"),
        _post("a secret that is none", signed, secret=SECRET.removeprefix("whsec_")),
        _post("another id", {**signed, "webhook-id": "0199c3b0-0000-7000-8000-000000000002"}),
        _post("a time of its own", {**signed, "webhook-timestamp": str(int(AT.timestamp()) + 1)}),
        _post("a time that is none", {**signed, "webhook-timestamp": "1764403200.5"}),
        _post("a time without an end", {**signed, "webhook-timestamp": "9" * 5_000}),
        _post("no signature", without),
        _post("an empty signature", _with(signed, "v1,")),
        _post("only another version", _with(signed, signature.replace("v1,", "v1a,"))),
        _post("a signature that goes on", _with(signed, f"{signature}A")),
        _post("a body that is no event", no_event, body=b"[]"),
    ]


def handovers() -> list[dict[str, Any]]:
    """List tokens: `reason` says why one is no good at `now`, null where it is good; `token_id` is a good one's id."""
    mine, both = tokens(), tokens(FIRST, SECOND)
    good = mine.mint(PLATFORM, a_handover(), AT)
    second = tokens(SECOND).mint(PLATFORM, a_handover(invite_code="", team_id="", sku=""), AT)
    _, key = ring().first
    sign = key.sign
    elsewhere = HandoverTokens(ring(), "https://other.example").mint(PLATFORM, a_handover(), AT)
    header, claims = taken_apart(good)
    public = ring().public_keys()[0][1]

    def by_hash(signed: bytes) -> bytes:
        return hmac.digest(public, signed, hashlib.sha256)

    audience = ids.opaque(translate.PLATFORM, PLATFORM)
    return [
        _token("as it is", good, mine),
        _token("by the second of two keys", second, both),
        _token("with a claim of a later release", changed(good, sign, {}, more="x"), mine),
        _token("within the clocks' tolerance", good, mine, 900 + 59),
        _token("from a clock ahead", good, mine, -60),
        _token("expired", good, mine, 900 + 60, reason="HANDOVER_EXPIRED"),
        _token("from the future", good, mine, -61, reason="HANDOVER_INVALID"),
        _token("by a key that is not published", second, mine, reason="KEY_NOT_FOUND"),
        _token("for another platform", mine.mint(OTHER, a_handover(), AT), mine, reason="HANDOVER_INVALID"),
        _token("of another issuer", elsewhere, mine, reason="HANDOVER_INVALID"),
        _token("for several platforms", changed(good, sign, {}, aud=[audience]), mine, reason="HANDOVER_INVALID"),
        _token("for nobody", changed(good, sign, {}, aud=None), mine, reason="HANDOVER_INVALID"),
        _token("of another type", changed(good, sign, {"typ": "JWT"}), mine, reason="HANDOVER_INVALID"),
        _token("without a type", changed(good, sign, {"typ": None}), mine, reason="HANDOVER_INVALID"),
        _token("without an id", changed(good, sign, {}, jti=None), mine, reason="HANDOVER_INVALID"),
        _token("with a number as item", changed(good, sign, {}, sku=3), mine, reason="HANDOVER_INVALID"),
        _token("with true as its time", changed(good, sign, {}, iat=True), mine, reason="HANDOVER_INVALID"),
        _token("without an end", changed(good, sign, {}, exp=None), mine, reason="HANDOVER_INVALID"),
        _token(
            "signed by nobody",
            put_together({**header, "alg": "none"}, claims, lambda _: b""),
            mine,
            reason="HANDOVER_INVALID",
        ),
        _token(
            "hashed with the public key",
            put_together({**header, "alg": "HS256"}, claims, by_hash),
            mine,
            reason="HANDOVER_INVALID",
        ),
        _token("changed", _changed_inside(good), mine, reason="HANDOVER_INVALID"),
        _token("cut", good[:-10], mine, reason="HANDOVER_INVALID"),
        _token("too long", good + "A" * 2_048, mine, reason="HANDOVER_INVALID"),
        _token("a text", "hello", mine, reason="HANDOVER_INVALID"),
        _token("nothing", "", mine, reason="HANDOVER_INVALID"),
        _token("no letters of ours", "é.é.é", mine, reason="HANDOVER_INVALID"),
    ]


def _post(
    about: str,
    headers: Mapping[str, str],
    *,
    body: bytes = BODY,
    secret: str = SECRET,
    seconds: int = 0,
    good: bool = False,
) -> dict[str, Any]:
    now = int((AT + timedelta(seconds=seconds)).timestamp())
    return {
        "about": about,
        "headers": dict(headers),
        "body": b64encode(body).decode(),
        "secret": secret,
        "now": now,
        "good": good,
    }


def _with(headers: Mapping[str, str], signature: str) -> dict[str, str]:
    return {**headers, "webhook-signature": signature}


def _token(
    about: str, token: str, published: HandoverTokens, seconds: int = 0, *, reason: str | None = None
) -> dict[str, Any]:
    return {
        "about": about,
        "token": token,
        "jwks": published.jwks().decode(),
        "issuer": PUBLIC_URL,
        "platform_id": ids.opaque(translate.PLATFORM, PLATFORM),
        "now": int((AT + timedelta(seconds=seconds)).timestamp()),
        "reason": reason,
        "token_id": None if reason else taken_apart(token)[1]["jti"],
    }


def _changed_inside(token: str) -> str:
    header, claims = taken_apart(token)
    signature = token.rpartition(".")[2]
    forged = put_together(header, {**claims, "sku": "gold"}, lambda _: b"").rpartition(".")[0]
    return f"{forged}.{signature}"
