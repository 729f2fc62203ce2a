"""Quotes: prices promised to one member, and the keys that check them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from groupbuy.pricing.v1 import pricing_service_pb2_grpc, quotes_pb2

from services.chassis import ids, requests
from services.chassis.errors import FieldViolation, Rejected
from services.chassis.requests import RequestKey
from services.chassis.server import caller
from services.pricing import domain, translate
from services.pricing.handlers import GetQuote, QuoteWriter

LONGEST_LIFETIME = timedelta(hours=24)
USUAL_LIFETIME = timedelta(hours=1)
SHORTEST_LIFETIME = timedelta(seconds=1)
_LONGEST = 64
_MOST_UNITS = 1_000_000


class QuoteRpcs(pricing_service_pb2_grpc.PricingServicer):
    """Answers about quotes to members of the caller."""

    _quotes: QuoteWriter

    async def GetQuote(  # noqa: N802 - the name of the RPC
        self, request: quotes_pb2.GetQuoteRequest, _context: Any
    ) -> quotes_pb2.GetQuoteResponse:
        """Promise one member a price; QUOTE_UNAVAILABLE, TEAM_UNKNOWN, ITEM_UNKNOWN."""
        requests.check_request_id(request.request_id)
        answer = await self._quotes.give(_wanted(request, caller()))
        if isinstance(answer, Rejected):
            raise answer
        return quotes_pb2.GetQuoteResponse.FromString(answer)

    async def ListQuoteKeys(  # noqa: N802 - the name of the RPC
        self, _request: quotes_pb2.ListQuoteKeysRequest, _context: Any
    ) -> quotes_pb2.ListQuoteKeysResponse:
        """List the public keys."""
        return self._quotes.public_keys


def _wanted(request: quotes_pb2.GetQuoteRequest, platform_id: UUID) -> GetQuote:
    """Read a request, or refuse it with every problem at once."""
    problems: list[FieldViolation] = []
    campaign = ids.parse(translate.CAMPAIGN, request.campaign_id, 1)
    team = ids.parse(translate.TEAM, request.team_id, 2) if request.team_id else None
    if campaign is None:
        problems.append(FieldViolation("campaign_id", "must be the id of a campaign, as CreateCampaign answered it"))
    if request.team_id and (team is None or (campaign and team[0] != campaign[0])):
        problems.append(FieldViolation("team_id", "must be the id of a team of this campaign, or empty to open one"))
    problems += _check_text("member_id", request.member_id, needed=True)
    problems += _check_text("sku", request.sku)
    problems += _check_text("coupon.code", request.coupon.code)
    if not 0 <= request.quantity <= _MOST_UNITS:
        problems.append(FieldViolation("quantity", f"must be 1 to {_MOST_UNITS}; 0 means 1"))
    coupon, lifetime = _coupon(request, problems), _lifetime(request, problems)
    if problems or campaign is None:
        raise Rejected("INVALID_ARGUMENT", fields=tuple(problems))
    key = RequestKey(campaign[0], platform_id, "GetQuote", request.request_id, requests.body_hash(request))
    return GetQuote(
        key,
        team[1] if team else None,
        request.member_id,
        request.sku,
        request.quantity or 1,
        coupon,
        request.coupon.code,
        lifetime,
    )


def _check_text(field: str, text: str, *, needed: bool = False) -> list[FieldViolation]:
    if not text and not needed:
        return []
    if 1 <= len(text) <= _LONGEST and all("!" <= sign <= "~" for sign in text):
        return []
    return [FieldViolation(field, f"must be 1 to {_LONGEST} visible ASCII characters")]


def _coupon(request: quotes_pb2.GetQuoteRequest, problems: list[FieldViolation]) -> domain.Coupon | None:
    if not request.HasField("coupon"):
        return None
    kind = request.coupon.WhichOneof("off")
    if kind is None:
        problems.append(FieldViolation("coupon.off", "say amount_off or basis_points_off, or leave the coupon out"))
        return None
    coupon = domain.Coupon(domain.CouponKind(kind), getattr(request.coupon, kind))
    if problem := domain.coupon_problem(coupon):
        problems.append(FieldViolation(problem.field, problem.description))
    return coupon


def _lifetime(request: quotes_pb2.GetQuoteRequest, problems: list[FieldViolation]) -> timedelta:
    if not request.HasField("lifetime"):
        return USUAL_LIFETIME
    try:
        lifetime = request.lifetime.ToTimedelta()
    except (OverflowError, ValueError):
        lifetime = timedelta()
    if not SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME:
        problems.append(FieldViolation("lifetime", "must be 1 second to 24 hours; unset means 1 hour"))
    return lifetime
