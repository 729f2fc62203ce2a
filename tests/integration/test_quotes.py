"""Quotes from pricing to a seat: checked before the batch, used once, kept with the seat, settled by it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from groupbuy.pricing.v1 import pricing_service_pb2, pricing_service_pb2_grpc, quotes_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2_grpc

from deploy.verify import verifier
from services.team_formation import domain, translate
from tests.support.campaigns import wrong
from tests.support.database import Database as MakeDatabase
from tests.support.engine import KEY, Engine, an_engine, served
from tests.support.quoting import FIRST, SECOND, compiled_campaign, ring
from tests.support.shop_api import refused

MINE = (("authorization", f"Bearer {KEY}"),)
OFF = quotes_pb2.Coupon(basis_points_off=1000, code="SPRING")


class Shop:
    """A served engine with a campaign, and its public calls."""

    def __init__(self, engine: Engine, channels: dict[str, grpc.aio.Channel]) -> None:
        self.engine = engine
        self.teams = team_formation_service_pb2_grpc.TeamFormationStub(
            channels["groupbuy.team_formation.v1.TeamFormation"]
        )
        self.prices = pricing_service_pb2_grpc.PricingStub(channels["groupbuy.pricing.v1.Pricing"])
        self.campaign_id = ""
        self.campaign = compiled_campaign()

    async def begin(self, **changes: Any) -> None:
        """Create the campaign and carry it to pricing."""
        self.campaign = await self.engine.formation.create(compiled_campaign(**changes))
        self.campaign_id = translate.campaign_id(self.campaign.campaign_id)
        await self.engine.carry()

    async def quote(self, member: str, team_id: str = "", **fields: Any) -> bytes:
        """Ask for a quote with 10 % off."""
        request = quotes_pb2.GetQuoteRequest(
            request_id=str(uuid4()),
            campaign_id=self.campaign_id,
            team_id=team_id,
            member_id=member,
            **{"coupon": OFF, **fields},
        )
        return (await self.prices.GetQuote(request, metadata=MINE)).signed_quote

    def opening(self, member: str, signed: bytes = b"", **fields: Any) -> pb.OpenTeamRequest:
        """A request to open a team."""
        return pb.OpenTeamRequest(
            **{
                "request_id": str(uuid4()),
                "campaign_id": self.campaign_id,
                "member_id": member,
                "sku": "mango",
                "signed_quote": signed,
                **fields,
            }
        )

    async def open(self, member: str, signed: bytes = b"", **fields: Any) -> pb.OpenTeamResponse:
        """Open a team."""
        return await self.teams.OpenTeam(self.opening(member, signed, **fields), metadata=MINE)

    def joining(self, team_id: str, member: str, signed: bytes = b"", **fields: Any) -> pb.JoinTeamRequest:
        """A request to join."""
        return pb.JoinTeamRequest(
            **{
                "request_id": str(uuid4()),
                "team_id": team_id,
                "member_id": member,
                "signed_quote": signed,
                **fields,
            }
        )

    async def join(self, team_id: str, member: str, signed: bytes = b"", **fields: Any) -> pb.JoinTeamResponse:
        """Join a team."""
        return await self.teams.JoinTeam(self.joining(team_id, member, signed, **fields), metadata=MINE)

    async def confirmed(self, *seats: Any) -> None:
        """Confirm seats at their caps, and carry all events."""
        for seat in seats:
            await self.engine.formation.confirm(seat)
        await self.engine.carry()


@pytest.fixture
async def shop(database: MakeDatabase) -> AsyncIterator[Shop]:
    async with an_engine(database) as engine, served(engine) as channels:
        yield Shop(engine, channels)


async def test_a_seat_keeps_the_own_price_of_its_quote(shop: Shop) -> None:
    await shop.begin()
    opened = await shop.open("mei")
    await shop.confirmed(opened.seat)
    joined = await shop.join(opened.team.team_id, "tom", await shop.quote("tom", opened.team.team_id))
    seat = joined.seat
    assert [(step.threshold, step.unit_price) for step in seat.own_steps] == [
        (0, 3591),
        (2, 3141),
        (3, 2691),
        (5, 2241),
    ]
    assert (seat.cap.minor_units, seat.cap_fill, seat.cap_from_quote) == (3141, 2, False)
    assert seat.quote_id
    read = await shop.teams.GetSeat(pb.GetSeatRequest(seat_id=seat.seat_id), metadata=MINE)
    assert read.seat == seat


async def test_a_quote_holds_what_others_take_back(shop: Shop) -> None:
    await shop.begin(leave_until=domain.LeaveUntil.ENDED, maximum=9)
    opened = await shop.open("mei")
    await shop.confirmed(opened.seat)
    signed = await shop.quote("tom", opened.team.team_id)
    await shop.engine.formation.leave(opened.seat)
    seat = (await shop.join(opened.team.team_id, "tom", signed)).seat
    assert (seat.cap.minor_units, seat.cap_fill, seat.cap_from_quote) == (3141, 1, True)


async def test_without_a_coupon_a_quote_promises_its_cap_alone(shop: Shop) -> None:
    await shop.begin(leave_until=domain.LeaveUntil.ENDED)
    opened = await shop.open("mei")
    await shop.confirmed(opened.seat)
    signed = await shop.quote("tom", opened.team.team_id, coupon=None)
    await shop.engine.formation.leave(opened.seat)
    seat = (await shop.join(opened.team.team_id, "tom", signed)).seat
    assert (seat.cap.minor_units, seat.cap_from_quote, list(seat.own_steps)) == (3490, True, [])


async def test_a_quote_is_used_once(shop: Shop) -> None:
    await shop.begin()
    signed = await shop.quote("mei")
    request = shop.opening("mei", signed)
    first = await shop.teams.OpenTeam(request, metadata=MINE)
    assert await shop.teams.OpenTeam(request, metadata=MINE) == first, "a repeat of the call is no second use"
    _, reason, _ = await refused(shop.open("mei", signed))
    assert reason == "QUOTE_USED"


async def test_a_quote_that_was_given_back_stays_used(shop: Shop) -> None:
    await shop.begin()
    signed = await shop.quote("mei")
    opened = await shop.open("mei", signed)
    await shop.engine.formation.leave(opened.seat)
    assert (await refused(shop.open("mei", signed)))[1] == "QUOTE_USED"


async def test_a_refused_join_does_not_use_its_quote(shop: Shop) -> None:
    await shop.begin()
    signed = await shop.quote("mei")
    most = {"minor_units": 1, "currency": "EUR"}
    assert (await refused(shop.open("mei", signed, max_unit_price=most)))[1] == "PRICE_CHANGED"
    assert (await shop.open("mei", signed)).seat.quote_id


async def test_a_repeated_call_is_answered_after_its_quote_has_run_out(shop: Shop) -> None:
    await shop.begin()
    request = shop.opening("mei", await shop.quote("mei"))
    first = await shop.teams.OpenTeam(request, metadata=MINE)
    signed = await shop.quote("tom")
    shop.engine.formation.clock.move(timedelta(hours=1))
    assert await shop.teams.OpenTeam(request, metadata=MINE) == first
    assert (await refused(shop.open("tom", signed)))[1] == "QUOTE_EXPIRED"


async def test_a_quote_is_for_one_member_item_quantity_and_team(shop: Shop) -> None:
    await shop.begin()
    team = (await shop.open("mei")).team.team_id
    other = (await shop.open("ann")).team.team_id
    await shop.engine.carry()
    signed = await shop.quote("tom", team)
    for mistaken in (
        shop.join(team, "eve", signed),
        shop.join(team, "tom", signed, quantity=2),
        shop.join(team, "tom", signed, sku="pear"),
        shop.join(other, "tom", signed),
        shop.open("tom", signed),
    ):
        assert (await refused(mistaken))[1] == "QUOTE_MISMATCH"
    assert (await shop.join(team, "tom", signed)).seat.quote_id


async def test_what_is_forged_or_damaged_is_refused(shop: Shop) -> None:
    await shop.begin()
    signed = quotes_pb2.SignedQuote.FromString(await shop.quote("mei"))
    quote = quotes_pb2.Quote.FromString(signed.payload)
    quote.cap = 1
    cheaper = quotes_pb2.SignedQuote(
        payload=quote.SerializeToString(), signature=signed.signature, key_id=signed.key_id
    )
    strange = ring(SECOND).sign("groupbuy.quote.v1", signed.payload)
    unknown = quotes_pb2.SignedQuote(payload=signed.payload, signature=strange.signature, key_id=strange.key_id)
    posing = quotes_pb2.SignedQuote(payload=signed.payload, signature=strange.signature, key_id=signed.key_id)
    purpose = ring(FIRST).sign("groupbuy.other.v1", signed.payload)
    other = quotes_pb2.SignedQuote(payload=signed.payload, signature=purpose.signature, key_id=purpose.key_id)
    for bad in (cheaper, unknown, posing, other, quotes_pb2.SignedQuote(key_id="one")):
        assert (await refused(shop.open("mei", bad.SerializeToString())))[1] == "QUOTE_INVALID"
    assert (await refused(shop.open("mei", b"\xff\xff")))[1] == "QUOTE_INVALID"


async def test_many_joins_bring_their_quotes(shop: Shop) -> None:
    await shop.begin()
    team = (await shop.open("mei")).team.team_id
    await shop.engine.carry()
    signed = await shop.quote("tom", team)
    joins = [shop.joining(team, "tom", signed), shop.joining(team, "eve", signed), shop.joining(team, "ann")]
    answer = await shop.teams.JoinTeams(pb.JoinTeamsRequest(joins=joins), metadata=MINE)
    assert answer.results[0].joined.seat.own_steps
    assert answer.results[1].refused.reason == "QUOTE_MISMATCH"
    assert not answer.results[2].joined.seat.quote_id


async def test_one_quote_comes_twice_in_one_batch(shop: Shop) -> None:
    await shop.begin()
    signed = await shop.quote("mei")
    answers = await asyncio.gather(
        *(shop.open("mei", signed) for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, pb.OpenTeamResponse) for answer in answers) == 1


async def _lines(shop: Shop, team_id: str) -> list[tuple[str, int]]:
    request = pricing_service_pb2.GetSettlementRequest(team_id=team_id)
    lines = (await shop.prices.GetSettlement(request, metadata=MINE)).lines
    return sorted((line.member_id, line.unit_price.minor_units) for line in lines)


async def _verified(shop: Shop, *seats: Any) -> list[pricing_service_pb2.ExplainPriceResponse]:
    """Have seats explained, and every explanation computed again by the verifier, which shares no code with us."""
    found = []
    for seat in seats:
        request = pricing_service_pb2.ExplainPriceRequest(seat_id=seat.seat_id)
        explained = await shop.prices.ExplainPrice(request, metadata=MINE)
        assert verifier.verify(MessageToDict(explained))[1] == [], explained.sentence
        found.append(explained)
    return found


async def test_pricing_settles_and_explains_by_the_own_price(shop: Shop) -> None:
    await shop.begin(maximum=2)
    opened = await shop.open("mei", await shop.quote("mei"))
    await shop.confirmed(opened.seat)
    [first] = await _verified(shop, opened.seat)
    assert first.unit_price.minor_units == 3591
    joined = await shop.join(opened.team.team_id, "tom", await shop.quote("tom", opened.team.team_id))
    await shop.confirmed(joined.seat)
    assert not await shop.engine.pricing.parked()
    assert await _lines(shop, opened.team.team_id) == [("mei", 3141), ("tom", 3141)]
    [mei, _] = await _verified(shop, opened.seat, joined.seat)
    assert len(mei.own_steps) == 4
    assert "own price there is 31.41 EUR" in mei.sentence
    assert await wrong(shop.engine.pricing) == []


async def test_pricing_settles_by_a_cap_that_a_quote_promised(shop: Shop) -> None:
    await shop.begin(leave_until=domain.LeaveUntil.ENDED, minimum=1, maximum=9)
    opened = await shop.open("mei")
    await shop.confirmed(opened.seat)
    signed = await shop.quote("tom", opened.team.team_id, coupon=None)
    await shop.engine.formation.leave(opened.seat)
    seat = (await shop.join(opened.team.team_id, "tom", signed)).seat
    await shop.confirmed(seat)
    shop.engine.formation.clock.move(timedelta(hours=2))
    await shop.engine.formation.finder.run_once()
    await shop.engine.carry()
    assert not await shop.engine.pricing.parked()
    assert ("tom", 3490) in await _lines(shop, opened.team.team_id)
    [explained] = await _verified(shop, seat)
    assert explained.cap_from_quote
    assert await wrong(shop.engine.pricing) == []


async def test_a_member_leads_with_its_own_price(shop: Shop) -> None:
    await shop.begin(leave_until=domain.LeaveUntil.ENDED)
    opened = await shop.open("mei")
    await shop.confirmed(opened.seat)
    joined = await shop.join(opened.team.team_id, "tom", await shop.quote("tom", opened.team.team_id))
    await shop.confirmed(joined.seat)
    await shop.engine.formation.leave(opened.seat)
    await shop.engine.carry(times=2)
    assert not await shop.engine.pricing.parked()
    [explained] = await _verified(shop, joined.seat)
    assert explained.unit_price.minor_units == 3141
    assert await wrong(shop.engine.pricing) == []


async def test_who_waits_is_seated_with_its_own_price(shop: Shop) -> None:
    rules = {"on_full": domain.OnFull.WAITLIST}
    await shop.begin(maximum=2, rules=rules, leave_until=domain.LeaveUntil.ENDED, close_when_full=False)
    opened = await shop.open("mei")
    ann = await shop.join(opened.team.team_id, "ann")
    await shop.confirmed(opened.seat, ann.seat)
    waits = (await shop.join(opened.team.team_id, "tom", await shop.quote("tom", opened.team.team_id))).seat
    await shop.engine.carry()
    await shop.engine.formation.leave(ann.seat)
    read = await shop.teams.GetSeat(pb.GetSeatRequest(seat_id=waits.seat_id), metadata=MINE)
    # the quote read three places, of which there are only two now
    assert (read.seat.cap.minor_units, read.seat.cap_from_quote) == (2691, True)
    await shop.confirmed(read.seat)
    assert not await shop.engine.pricing.parked()
    await _verified(shop, waits)
    assert await wrong(shop.engine.pricing) == []


async def test_who_fills_a_place_that_was_not_paid_pays_its_own_price(shop: Shop) -> None:
    terms = domain.PaymentTerms(on_unpaid=domain.OnUnpaid.FILL_FROM_WAITLIST)
    rules = {"on_full": domain.OnFull.WAITLIST, "payment_terms": terms}
    await shop.begin(maximum=2, rules=rules, payment_mode=domain.PaymentMode.COMMIT)
    opened = await shop.open("mei")
    team = opened.team.team_id
    tom = await shop.join(team, "tom")
    await shop.engine.carry()
    waits = (await shop.join(team, "ann", await shop.quote("ann", team))).seat
    await shop.confirmed(opened.seat, tom.seat)
    await shop.engine.formation.default(tom.seat)
    await shop.engine.carry()
    read = await shop.teams.GetSeat(pb.GetSeatRequest(seat_id=waits.seat_id), metadata=MINE)
    assert (read.seat.cap.minor_units, read.seat.cap_fill, read.seat.cap_from_quote) == (3141, 2, False)
    assert not await shop.engine.pricing.parked()
    assert ("ann", 3141) in await _lines(shop, team)
    assert await wrong(shop.engine.pricing) == []
