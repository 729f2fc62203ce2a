"""What is open of a seat's charge after units were given back: what is reported, waited for, or done unsaid."""

from datetime import timedelta
from uuid import UUID

import pytest
from groupbuy.pricing.v1 import events_pb2, settlements_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.pricing.domain import DeliveryOutcome
from services.pricing.handlers import ReportWriter
from services.pricing.store import Wanted, list_settlements, load_payment_facts
from tests.integration.pricing.test_deliveries import deliver
from tests.integration.pricing.test_line_reports import a_command, a_report
from tests.integration.pricing.test_payment_terms import TERMS, lines, told
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID

CAPTURED, VOIDED, REFUNDED, PAID, FAILED = (
    events_pb2.REPORT_KIND_CAPTURED,
    events_pb2.REPORT_KIND_VOIDED,
    events_pb2.REPORT_KIND_REFUNDED,
    events_pb2.REPORT_KIND_PAID,
    events_pb2.REPORT_KIND_FAILED,
)
UNIT = 3490
"""What a unit costs: nobody has reached a tier."""


def formed(mode: types_pb2.PaymentMode.ValueType) -> FullLife:
    """A team that has formed; Tom has five units of it."""
    life = FullLife(payment_mode=mode, payment_terms=TERMS)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=5)
    life.form()
    return life


class Till:
    """Pricing with a team that has formed, and a shop that reports about Tom."""

    def __init__(self, pricing: PricingService, life: FullLife) -> None:
        self.pricing = pricing
        self.life = life

    async def goes_on(self) -> None:
        """Apply what happened since."""
        seen = await self.pricing.rows("SELECT version FROM teams")
        await self.pricing.apply(self.life.records[seen[0]["version"] if seen else 0 :])

    @property
    def campaign_id(self) -> UUID:
        return (ids.parse("camp", self.life.campaign_id, 1) or ())[0]

    async def reduce(self, units: int) -> None:
        self.life.reduce("tom", units)
        await self.goes_on()

    async def lines(self) -> list[events_pb2.SettlementLine]:
        """Tom's lines."""
        return [line for line in await lines(self.pricing) if line.member_id == "tom"]

    async def report(
        self, place: int, kind: events_pb2.ReportKind.ValueType, amount: int, reference: str = "ref"
    ) -> bytes | Rejected:
        """Report about one of Tom's lines."""
        report = a_report((await self.lines())[place], kind, amount, reference)
        writer = ReportWriter(self.pricing.database, ManualClock(self.pricing.clock.now()))
        [answer] = await writer.decide([a_command(report, platform=self.life.platform)])
        return answer

    async def accepts(
        self, place: int, kind: events_pb2.ReportKind.ValueType, amount: int, reference: str = "ref"
    ) -> settlements_pb2.ReportedLine:
        answer = await self.report(place, kind, amount, reference)
        assert isinstance(answer, bytes), answer
        return settlements_pb2.ReportSettlementResponse.FromString(answer).lines[0]

    async def refuses(self, place: int, kind: events_pb2.ReportKind.ValueType, amount: int, expected: int) -> None:
        answer = await self.report(place, kind, amount)
        assert isinstance(answer, Rejected), answer
        assert (answer.reason, answer.metadata["expected"]) == ("AMOUNT_MISMATCH", str(expected))

    async def states(self) -> list[str]:
        """How far Tom's lines are, as they are listed."""
        async with self.pricing.database.read() as connection:
            found = await list_settlements(connection, Wanted(self.life.platform), (0, 0), 100)
        return [item.state.value for item in found if item.line.member_id == "tom"]


async def a_till(pricing: PricingService, mode: types_pb2.PaymentMode.ValueType) -> Till:
    till = Till(pricing, formed(mode))
    await till.goes_on()
    return till


@pytest.mark.parametrize("mode", [COMMIT, PAY_ON_DELIVERY])
async def test_who_gave_units_back_pays_for_the_others(
    pricing: PricingService, mode: types_pb2.PaymentMode.ValueType
) -> None:
    till = await a_till(pricing, mode)
    await till.reduce(2)
    await till.refuses(0, PAID, 4 * UNIT, expected=3 * UNIT)
    paid = await till.accepts(0, PAID, 3 * UNIT)
    assert paid.state == events_pb2.LINE_STATE_DONE
    assert await till.states() == ["DONE", "DONE"]
    await till.refuses(1, REFUNDED, 2 * UNIT, expected=0)
    assert (await till.accepts(0, PAID, 3 * UNIT)).repeated_before


async def test_what_was_refused_at_the_door_is_not_paid(pricing: PricingService) -> None:
    till = await a_till(pricing, PAY_ON_DELIVERY)
    await deliver(pricing, till.life, "tom", DeliveryOutcome.ACCEPTED_IN_PART, 3)
    await till.accepts(0, PAID, 3 * UNIT)
    assert await till.states() == ["DONE", "DONE"]


async def test_who_paid_before_gets_it_paid_back(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    await till.accepts(0, PAID, 5 * UNIT)
    await till.reduce(2)
    assert await till.states() == ["DONE", "OPEN"]
    await till.accepts(1, FAILED, 2 * UNIT)
    assert await till.states() == ["DONE", "FAILED"]
    await till.accepts(1, REFUNDED, 2 * UNIT)
    assert await till.states() == ["DONE", "DONE"]


async def test_a_payment_that_was_under_way_is_said_as_it_came(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    await till.reduce(1)
    await till.reduce(2)
    assert await till.states() == ["OPEN", "DONE", "DONE"]
    await till.accepts(0, PAID, 4 * UNIT)
    assert await till.states() == ["DONE", "DONE", "OPEN"]
    await till.refuses(1, REFUNDED, UNIT, expected=0)
    await till.accepts(2, REFUNDED, 2 * UNIT)
    assert await till.states() == ["DONE", "DONE", "DONE"]


async def test_what_was_paid_back_had_been_paid(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    await till.reduce(2)
    await till.accepts(1, REFUNDED, 2 * UNIT)
    await till.refuses(0, PAID, 3 * UNIT, expected=5 * UNIT)
    await till.accepts(0, PAID, 5 * UNIT)
    assert await till.states() == ["DONE", "DONE"]


async def test_a_capture_is_of_what_is_left(pricing: PricingService) -> None:
    till = await a_till(pricing, HOLD)
    await till.reduce(2)
    await till.accepts(0, CAPTURED, 3 * UNIT)
    assert await till.states() == ["DONE", "OPEN"]
    await till.refuses(1, REFUNDED, 2 * UNIT, expected=0)
    await till.accepts(1, VOIDED, 2 * UNIT)
    assert await till.states() == ["DONE", "DONE"]


async def test_a_capture_that_fails_is_of_what_is_left_and_may_be_paid(pricing: PricingService) -> None:
    till = await a_till(pricing, HOLD)
    await till.reduce(2)
    await till.accepts(0, FAILED, 3 * UNIT)
    (event,) = await told(pricing, till.life.now)
    assert event.payment_due.amount.minor_units == 3 * UNIT
    await till.accepts(0, PAID, 3 * UNIT)
    assert await till.states() == ["DONE", "OPEN"]


@pytest.mark.parametrize("then", ["default", "withdraw", "cancel", "refuse"])
async def test_what_is_due_no_longer_is_done_without_a_report(pricing: PricingService, then: str) -> None:
    till = await a_till(pricing, PAY_ON_DELIVERY if then == "refuse" else COMMIT)
    match then:
        case "default":
            till.life.default("tom")
        case "withdraw":
            till.life.withdraw("tom")
        case "cancel":
            till.life.cancel()
        case _:
            await deliver(pricing, till.life, "tom", DeliveryOutcome.REFUSED)
    await till.goes_on()
    assert await till.states() == ["DONE", "DONE"]
    await till.refuses(0, FAILED, 5 * UNIT, expected=0)


async def test_a_payment_reported_after_the_seat_went_is_to_be_paid_back(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    till.life.withdraw("tom")
    await till.goes_on()
    await till.refuses(0, PAID, 4 * UNIT, expected=5 * UNIT)
    await till.accepts(0, PAID, 5 * UNIT)
    assert await till.states() == ["DONE", "OPEN"]


async def test_a_payment_that_was_none_is_not_paid_back(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    await till.accepts(0, PAID, 5 * UNIT)
    till.life.default("tom")
    await till.goes_on()
    assert await till.states() == ["DONE", "DONE"]


async def test_a_defaulted_authorisation_is_voided_and_not_captured(pricing: PricingService) -> None:
    till = await a_till(pricing, HOLD)
    await till.accepts(0, FAILED, 5 * UNIT)
    till.life.default("tom")
    await till.goes_on()
    assert await till.states() == ["DONE", "OPEN"]
    await till.accepts(1, VOIDED, 5 * UNIT)
    assert await till.states() == ["DONE", "DONE"]


async def test_the_difference_of_a_payment_that_was_none_is_not_refunded(pricing: PricingService) -> None:
    life = FullLife(payment_mode=PREPAID, payment_terms=None)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    for number in range(4):
        life.join(f"m{number}")
    life.form()
    till = Till(pricing, life)
    await till.goes_on()
    [line] = await till.lines()
    assert line.to_refund.minor_units > 0
    life.default("tom")
    await till.goes_on()
    assert await till.states() == ["DONE", "DONE"]


async def test_what_lapses_is_what_was_left(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    await till.reduce(2)
    pay_by = till.life.now + timedelta(hours=3)
    lapsed = [event.payment_lapsed for event in await told(pricing, pay_by)]
    assert {item.member_id: item.amount.minor_units for item in lapsed} == {"mei": UNIT, "tom": 3 * UNIT}
    await till.reduce(1)
    async with pricing.database.read() as connection:
        line = UUID((await till.lines())[0].line_id)
        [rows] = (await load_payment_facts(connection, [(till.campaign_id, line)])).values()
    assert [told.fact.payment.amount for told in rows] == [3 * UNIT]


async def test_who_pays_what_is_left_in_time_keeps_the_seat(pricing: PricingService) -> None:
    till = await a_till(pricing, COMMIT)
    await till.reduce(2)
    await till.accepts(0, PAID, 3 * UNIT)
    lapsed = await told(pricing, till.life.now + timedelta(hours=3))
    assert [event.payment_lapsed.member_id for event in lapsed] == ["mei"]
