"""Checks of request fields: each problem names the field and the remedy, all of them at once."""

import re
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1 import money_pb2
from groupbuy.reasons import ReasonName
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids, requests
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.reasons import named
from services.team_formation import domain, translate
from services.team_formation.domain import Problem

MOST_TAGS = 100
MOST_USES = 10**9
LONGEST_REASON = 200
_WHOLE = 10_000
_CHANNEL = re.compile(r"[a-z0-9_-]{1,32}")
_CURRENCY = re.compile(r"[A-Z]{3}")
LONGEST_LABEL = 40
LONGEST_NOTE = 140
LONGEST_PAYMENT_REFERENCE = 128
LONGEST_LANGUAGE = 35
"""Characters that every tag in use has room in (RFC 5646, section 4.4.1)."""


def refuse(problems: Iterable[Problem]) -> None:
    """Refuse a request that has problems."""
    found = tuple(FieldViolation(item.field, item.description) for item in problems)
    if found:
        raise Rejected("INVALID_ARGUMENT", fields=found)


def rejected(refusal: domain.Refusal) -> Rejected:
    """Make a refusal of the domain one of the API."""
    return Rejected(named(refusal.reason), refusal.metadata)


def request_key(rpc: str, platform_id: UUID, campaign_id: UUID, request: Message) -> requests.RequestKey:
    """Make the key of a request that carries a request_id."""
    request_id: str = request.request_id  # type: ignore[attr-defined]
    requests.check_request_id(request_id)
    return requests.RequestKey(campaign_id, platform_id, rpc, request_id, requests.body_hash(request))


def team_of(team_id: str) -> tuple[UUID, UUID]:
    """Read campaign and team of a team's id; what is none names no team."""
    return _pair(translate.TEAM, team_id, "TEAM_UNKNOWN")


def seat_of(seat_id: str) -> tuple[UUID, UUID]:
    """Read campaign and seat of a seat's id; what is none names no seat."""
    return _pair(translate.SEAT, seat_id, "SEAT_UNKNOWN")


def invite_of(invite_id: str) -> tuple[UUID, UUID]:
    """Read campaign and invite of an invite's id; what is none names no invite."""
    return _pair(translate.INVITE, invite_id, "INVITE_UNKNOWN")


def campaign_of(campaign_id: str) -> UUID:
    """Read the id of a campaign; what is none names no campaign."""
    found = ids.parse(translate.CAMPAIGN, campaign_id, 1)
    if found is None:
        raise Rejected("CAMPAIGN_UNKNOWN")
    return found[0]


def _pair(prefix: str, text: str, reason: ReasonName) -> tuple[UUID, UUID]:
    found = ids.parse(prefix, text, 2)
    if found is None:
        raise Rejected(reason)
    return found[0], found[1]


def join_of(request: pb.JoinTeamRequest | pb.OpenTeamRequest, seat_id: UUID, invite_id: UUID | None) -> domain.Join:
    """Read what a member wants to take."""
    problems = domain.check_member_id("member_id", request.member_id)
    problems += domain.check_reference("external_ref", request.external_ref)
    problems += domain.check_reference("sku", request.sku)
    problems += domain.check_tag("device_tag", request.device_tag)
    problems += domain.check_tag("address_tag", request.address_tag)
    most = None
    if request.HasField("max_unit_price"):
        problems += check_money("max_unit_price", request.max_unit_price)
        most = request.max_unit_price.minor_units
    if request.quantity < 0:
        problems.append(Problem("quantity", "must be at least 1; 0 means 1"))
    asserted = domain.NOTHING_ASSERTED
    if request.HasField("asserted"):
        asserted = asserted_of(request.asserted, "asserted", problems)
    refuse(problems)
    opening = isinstance(request, pb.OpenTeamRequest)
    return domain.Join(
        seat_id,
        request.member_id,
        request.sku,
        request.quantity or 1,
        most,
        request.max_unit_price.currency,
        invite_id,
        "" if opening else request.external_ref,
        asserted,
    )


def asserted_of(message: types_pb2.Assertions, field: str, problems: list[Problem]) -> domain.Asserted:
    """Read what a platform asserts of a member, or add problems."""
    if len(message.tags) > MOST_TAGS:
        problems.append(Problem(f"{field}.tags", f"must be at most {MOST_TAGS}"))
    problems += domain.check_reference(f"{field}.match_key", message.match_key)
    return domain.Asserted(message.newcomer, frozenset(message.tags), message.match_key)


def confirm_of(request: pb.ConfirmSeatRequest) -> domain.Confirm:
    """Read a confirmation."""
    problems = check_money("amount", request.amount, domain.LARGEST_PAYMENT)
    problems += domain.check_reference(
        "payment_reference", request.payment_reference, longest=LONGEST_PAYMENT_REFERENCE
    )
    refuse(problems)
    return domain.Confirm(request.amount.minor_units, request.amount.currency, request.payment_reference)


def invite_wanted(request: pb.CreateInviteRequest, invite_id: UUID) -> domain.NewInvite:
    """Read what invite is wanted."""
    maker = request.WhichOneof("made_by")
    problems = [Problem("made_by", "say member_id or promoter_id")] if maker is None else []
    if maker:
        problems += domain.check_member_id(maker, getattr(request, maker))
    problems += check_channel("channel", request.channel)
    problems += check_words("label", request.label, LONGEST_LABEL) + check_words("note", request.note, LONGEST_NOTE)
    expires_at = read_time("expires_at", request.expires_at, problems) if request.HasField("expires_at") else None
    if not 0 <= request.max_uses <= MOST_USES:
        problems.append(Problem("max_uses", f"must be 1 to {MOST_USES}, or 0 for no limit"))
    if not 0 <= request.commission_basis_points <= _WHOLE:
        problems.append(Problem("commission_basis_points", f"must be 0 to {_WHOLE}"))
    elif request.commission_basis_points and maker != "promoter_id":
        problems.append(Problem("commission_basis_points", "only a promoter's invite earns; say promoter_id"))
    problems += check_language(request.language)
    refuse(problems)
    return domain.NewInvite(
        invite_id,
        request.member_id,
        request.promoter_id,
        request.channel,
        request.label,
        request.note,
        expires_at,
        request.max_uses,
        request.commission_basis_points,
        request.language,
    )


def check_channel(field: str, channel: str) -> list[Problem]:
    """Check the name of a channel."""
    if _CHANNEL.fullmatch(channel):
        return []
    return [Problem(field, 'must be 1 to 32 of a-z, 0-9, hyphen and underscore, for instance "wechat"')]


def check_language(language: str) -> list[Problem]:
    """Check the tag of a reader's language; one that we have no words in is none the worse."""
    if len(language) <= LONGEST_LANGUAGE:
        return []
    return [Problem("language", f"must be a BCP 47 tag of at most {LONGEST_LANGUAGE} characters, or empty")]


def check_money(field: str, money: money_pb2.Money, largest: int = domain.LARGEST_AMOUNT) -> list[Problem]:
    """Check an amount: a currency is said, and it is not below zero nor absurd."""
    problems = []
    if not _CURRENCY.fullmatch(money.currency):
        problems.append(Problem(f"{field}.currency", "must be an ISO 4217 code of three capital letters"))
    if not 0 <= money.minor_units <= largest:
        problems.append(Problem(f"{field}.minor_units", f"must be 0 to {largest}"))
    return problems


def check_words(field: str, text: str, longest: int) -> list[Problem]:
    """Check a line of text: bounded, and without control characters."""
    if len(text) > longest:
        return [Problem(field, f"must be at most {longest} characters")]
    if not domain.is_written(text):
        return [Problem(field, "must not contain control characters or line breaks")]
    return []


def read_time(field: str, stamp: Timestamp, problems: list[Problem]) -> datetime | None:
    """Read a time, or add a problem."""
    try:
        return translate.from_time(stamp)
    except (ValueError, OverflowError):
        problems.append(Problem(field, "must be a time between the years 1 and 9999"))
        return None
