"""Checks of fields about keys and suspensions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from groupbuy.chassis.v1 import scope_pb2

from services.chassis import scopes
from services.team_formation import domain
from services.team_formation.domain import Problem
from services.team_formation.handlers.identity import CreateKey, RotateKey, SuspendMerchant
from services.team_formation.rpc import fields

LONGEST_LABEL = 100
LONGEST_OVERLAP = timedelta(days=90)
LONGEST_MERCHANT_ID = 128
_NAMES = ", ".join(f"SCOPE_{name.upper()}" for name in scopes.NAMES)


def new_key_of(request: Any, now: datetime, *, needs_scopes: bool) -> CreateKey:
    """Read which key is wanted; INVALID_ARGUMENT names every problem."""
    problems = [*fields.check_words("label", request.label, LONGEST_LABEL)]
    named = _scopes(request.scopes, problems, needed=needs_scopes)
    expires_at = _expiry(request, now, problems)
    fields.refuse(problems)
    return CreateKey(named, request.label, expires_at)


def rotation_of(request: Any, now: datetime) -> RotateKey:
    """Read which key is to be replaced; INVALID_ARGUMENT names every problem."""
    problems: list[Problem] = []
    overlap = _overlap(request, problems)
    expires_at = _expiry(request, now, problems)
    fields.refuse(problems)
    return RotateKey(request.key_id, overlap, expires_at)


def suspension_of(request: Any) -> SuspendMerchant:
    """Read which merchant is to be suspended, and why; INVALID_ARGUMENT names every problem."""
    fields.refuse([*check_merchant(request.merchant_id), *check_reason(request.reason)])
    return SuspendMerchant(request.merchant_id, request.reason)


def check_reason(reason: str) -> list[Problem]:
    """Check what is said to everybody."""
    if not reason.strip():
        return [Problem("reason", "must say why: everybody who asks is told, and a merchant's pages show it")]
    return fields.check_words("reason", reason, fields.LONGEST_REASON)


def check_merchant(merchant_id: str) -> list[Problem]:
    """Check the name of a merchant."""
    if not 1 <= len(merchant_id) <= LONGEST_MERCHANT_ID or not domain.is_written(merchant_id):
        return [Problem("merchant_id", f"must be 1 to {LONGEST_MERCHANT_ID} characters, as in campaigns")]
    return []


def _scopes(given: Sequence[scope_pb2.Scope.ValueType], problems: list[Problem], *, needed: bool) -> scopes.Scopes:
    known = scope_pb2.Scope.values()
    if any(not value or value not in known for value in given):
        problems.append(Problem("scopes", f"each must be one of {_NAMES}"))
        return scopes.ALL
    if not given and needed:
        problems.append(Problem("scopes", f"must name at least one of {_NAMES}"))
    return frozenset(map(scopes.name_of, given)) or scopes.ALL


def _expiry(request: Any, now: datetime, problems: list[Problem]) -> datetime | None:
    if not request.HasField("expires_at"):
        return None
    at = fields.read_time("expires_at", request.expires_at, problems)
    if at and at <= now:
        problems.append(Problem("expires_at", "must be in the future; leave it out for a key that does not expire"))
    return at


def _overlap(request: Any, problems: list[Problem]) -> timedelta:
    seconds = request.overlap.seconds
    if not 0 <= seconds <= LONGEST_OVERLAP.total_seconds() or request.overlap.nanos < 0:
        problems.append(Problem("overlap", f"must be 0 to {LONGEST_OVERLAP.days} days"))
        return timedelta()
    return timedelta(seconds=seconds)
