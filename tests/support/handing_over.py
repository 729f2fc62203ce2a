"""Hand-over tokens of tests: what is handed over, and tokens put together by hand as a forger would."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.team_formation import translate
from services.team_formation.handover import Handover, HandoverTokens
from tests.support.formation import PUBLIC_URL
from tests.support.quoting import ring

CAMPAIGN, TEAM = UUID(int=0xC), UUID(int=0xD)


def a_handover(**changes: str) -> Handover:
    """Hand a buyer of mangoes over."""
    made = Handover(
        translate.campaign_id(CAMPAIGN),
        translate.team_id(CAMPAIGN, TEAM),
        "7sGk2mPq9XaB",
        "mango",
        f"{PUBLIC_URL}/i/7sGk2mPq9XaB",
    )
    return replace(made, **changes)


def tokens(*keys: str) -> HandoverTokens:
    """Make and read tokens with keys of tests; with the first one where none is named."""
    return HandoverTokens(ring(*keys), PUBLIC_URL)


def put_together(header: object, claims: object, sign: Callable[[bytes], bytes]) -> str:
    """Write a token with a signature of its own."""
    signed = b".".join((_part(json.dumps(header).encode()), _part(json.dumps(claims).encode())))
    return f"{signed.decode()}.{_part(sign(signed)).decode()}"


def taken_apart(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read header and claims of a token, whoever signed it."""
    header, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


def changed(token: str, sign: Callable[[bytes], bytes], header: Mapping[str, Any], **claims: object) -> str:
    """Change header and claims of a token and sign it again; None takes something out."""
    former_header, former_claims = taken_apart(token)
    return put_together(_with(former_header, header), _with(former_claims, claims), sign)


def _with(part: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**part, **changes}.items() if value is not None}


def _part(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
