"""GetQuote and ListQuoteKeys over gRPC: what is promised, to whom, signed by whom."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import (
    ladder_pb2,
    pricing_internal_pb2,
    pricing_internal_pb2_grpc,
    pricing_service_pb2_grpc,
    quotes_pb2,
)

from services.chassis.signing import verified
from services.team_formation import domain, translate
from tests.support.database import Database as MakeDatabase
from tests.support.engine import KEY, SERVICE_KEY, Engine, an_engine, served
from tests.support.quoting import compiled_campaign
from tests.support.shop_api import refused

MINE = (("authorization", f"Bearer {KEY}"),)


class Quoting:
    """A served engine with a campaign, and what asks it for quotes."""

    def __init__(self, engine: Engine, channels: dict[str, grpc.aio.Channel]) -> None:
        self.engine = engine
        self.stub = pricing_service_pb2_grpc.PricingStub(channels["groupbuy.pricing.v1.Pricing"])
        self.internal = pricing_internal_pb2_grpc.PricingInternalStub(channels["groupbuy.pricing.v1.PricingInternal"])
        self.campaign = compiled_campaign()

    async def begin(self, **changes: Any) -> None:
        """Create the campaign and carry it to pricing."""
        self.campaign = await self.engine.formation.create(compiled_campaign(**changes))
        await self.engine.carry()

    def request(self, request_id: str = "q1", **fields: Any) -> quotes_pb2.GetQuoteRequest:
        """A request for Tom to open a team."""
        campaign_id = translate.campaign_id(self.campaign.campaign_id)
        return quotes_pb2.GetQuoteRequest(
            **{"request_id": request_id, "campaign_id": campaign_id, "member_id": "tom", **fields}
        )

    async def get(self, request_id: str = "q1", **fields: Any) -> quotes_pb2.GetQuoteResponse:
        """Ask for a quote."""
        return await self.stub.GetQuote(self.request(request_id, **fields), metadata=MINE)


@pytest.fixture
async def quoting(database: MakeDatabase) -> AsyncIterator[Quoting]:
    async with an_engine(database) as engine, served(engine) as channels:
        yield Quoting(engine, channels)


OFF = quotes_pb2.Coupon(basis_points_off=1000, code="SPRING")


async def test_a_quote_promises_an_own_price_at_every_fill(quoting: Quoting) -> None:
    await quoting.begin()
    found = await quoting.get(coupon=OFF, sku="mango")
    quote = found.quote
    # 39.90, 34.90, 29.90 and 24.90 less 10 %, exact
    assert [(step.threshold, step.unit_price) for step in quote.steps] == [(0, 3591), (2, 3141), (3, 2691), (5, 2241)]
    assert (quote.cap, quote.cap_fill, quote.role) == (3591, 1, ladder_pb2.ROLE_LEADER)
    assert (quote.member_id, quote.sku, quote.quantity, quote.currency) == ("tom", "mango", 1, "EUR")
    assert quote.expires_at.ToDatetime() - quote.issued_at.ToDatetime() == timedelta(hours=1)


async def test_who_joins_a_team_is_promised_the_price_with_its_own_seat(quoting: Quoting) -> None:
    await quoting.begin()
    opened = await quoting.engine.formation.open(quoting.campaign)
    await quoting.engine.formation.confirm(opened.seat)
    await quoting.engine.carry()
    quote = (await quoting.get(team_id=opened.team.team_id, quantity=2)).quote
    assert (quote.cap, quote.cap_fill, quote.role) == (3490, 2, ladder_pb2.ROLE_MEMBER)
    assert not quote.steps, "without a coupon only the cap is promised"


async def test_a_whole_campaign_is_quoted_at_its_last_tally(quoting: Quoting) -> None:
    await quoting.begin(basis=domain.Basis.CAMPAIGN_UNITS)
    opened = await quoting.engine.formation.open(quoting.campaign, quantity=2)
    await quoting.engine.formation.confirm(opened.seat)
    await quoting.engine.carry()
    quote = (await quoting.get()).quote
    assert (quote.cap, quote.cap_fill, quote.cap_tally_seq) == (2990, 3, 1)


async def test_the_signature_is_checked_with_the_published_key(quoting: Quoting) -> None:
    await quoting.begin()
    signed = quotes_pb2.SignedQuote.FromString((await quoting.get()).signed_quote)
    keys = await quoting.stub.ListQuoteKeys(quotes_pb2.ListQuoteKeysRequest(), metadata=MINE)
    [key] = keys.keys
    assert key.key_id == signed.key_id
    assert verified(key.public_key, "groupbuy.quote.v1", signed.payload, signed.signature)
    own = (("authorization", f"Bearer {SERVICE_KEY}"),)
    inside = await quoting.internal.ListQuoteKeys(
        pricing_internal_pb2.PricingInternalListQuoteKeysRequest(), metadata=own
    )
    assert list(inside.keys) == list(keys.keys)


async def test_the_same_request_gets_the_same_quote(quoting: Quoting) -> None:
    await quoting.begin()
    first = await quoting.get()
    assert await quoting.get() == first
    assert (await quoting.get("q2")).quote.quote_id != first.quote.quote_id


async def test_a_coupon_before_the_tier_keeps_a_fixed_price(quoting: Quoting) -> None:
    await quoting.begin(coupon_order=domain.CouponOrder.BEFORE_TIER)
    quote = (await quoting.get(coupon=quotes_pb2.Coupon(amount_off=390))).quote
    assert quote.order == ladder_pb2.COUPON_ORDER_BEFORE_TIER
    assert quote.steps[0].unit_price == 3600


async def test_what_pricing_does_not_know_cannot_be_quoted(quoting: Quoting) -> None:
    quoting.campaign = await quoting.engine.formation.create(compiled_campaign())
    code, reason, _ = await refused(quoting.get())
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUOTE_UNAVAILABLE")


async def test_a_campaign_that_is_over_cannot_be_quoted(quoting: Quoting) -> None:
    await quoting.begin()
    quoting.engine.formation.clock.move(timedelta(days=1))
    assert (await refused(quoting.get()))[1] == "QUOTE_UNAVAILABLE"


async def test_every_bad_field_is_named(quoting: Quoting) -> None:
    await quoting.begin()
    _, reason, fields = await refused(
        quoting.get(
            member_id="",
            quantity=-1,
            team_id="team_x",
            coupon=quotes_pb2.Coupon(basis_points_off=10_001),
            lifetime=Duration(seconds=86_401),
        )
    )
    assert reason == "INVALID_ARGUMENT"
    assert set(fields) == {"member_id", "quantity", "team_id", "coupon.basis_points_off", "lifetime"}


async def test_an_item_that_is_not_sold_is_refused(quoting: Quoting) -> None:
    await quoting.begin()
    assert (await refused(quoting.get(sku="pear")))[1] == "ITEM_UNKNOWN"
