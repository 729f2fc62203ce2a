"""By when money has to come, and what is told where it does not: once each, by the platform's clock."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.pricing.v1 import events_pb2, settlements_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.pricing import translate
from services.pricing.handlers import CHUNK, ReportLines, ReportWriter
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, record

PAID = events_pb2.REPORT_KIND_PAID
CAPTURED = events_pb2.REPORT_KIND_CAPTURED
FAILED = events_pb2.REPORT_KIND_FAILED
TERMS = types_pb2.PaymentTerms(
    pay_within=Duration(seconds=7200),
    authorisation_lifetime=Duration(seconds=6 * 86_400),
    lapse_warning=Duration(seconds=86_400),
)


def formed(mode: types_pb2.PaymentMode.ValueType, terms: types_pb2.PaymentTerms | None) -> FullLife:
    """A team of two that has formed."""
    life = FullLife(payment_mode=mode, payment_terms=terms)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.form()
    return life


async def lines(pricing: PricingService) -> list[events_pb2.SettlementLine]:
    """The lines told."""
    return [event.settlement_line_recorded.line for event in await pricing.settled()]


async def told(pricing: PricingService, at: datetime) -> list[events_pb2.SettlementEvent]:
    """What is told about payments when it is looked at a time, again and again; numbers have no gap."""
    known = len(await pricing.settled())
    pricing.clock.move(at - pricing.clock.now())
    while await pricing.payments.run_once():
        pass
    events = await pricing.settled()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    return events[known:]


async def report(
    pricing: PricingService,
    life: FullLife,
    line: events_pb2.SettlementLine,
    kind: events_pb2.ReportKind.ValueType,
    at: datetime,
) -> None:
    """Have the platform report about a line at a time."""
    pricing.clock.move(at - pricing.clock.now())
    amount = line.due if line.due.minor_units else line.to_capture
    told = settlements_pb2.LineReport(line_id=line.line_id, kind=kind, amount=amount, reference=f"ref-{kind}")
    key = RequestKey(NO_CAMPAIGN, life.platform, "ReportSettlement", f"{line.line_id}-{kind}", b"")
    command = ReportLines(key, translate.read_reports([told]))
    [answer] = await ReportWriter(pricing.database, pricing.clock).decide([command])
    assert isinstance(answer, bytes)


async def test_what_is_due_says_by_when_from_the_forming_on(pricing: PricingService) -> None:
    life = formed(COMMIT, TERMS)
    await pricing.apply(life.records)
    assert [line.pay_by.ToDatetime(tzinfo=UTC) for line in await lines(pricing)] == [life.now + timedelta(hours=2)] * 2
    stored = await pricing.rows("SELECT pay_by FROM settlement_lines")
    assert [row["pay_by"] for row in stored] == [life.now + timedelta(hours=2)] * 2


@pytest.mark.parametrize(("mode", "terms"), [(COMMIT, None), (HOLD, TERMS), (PAY_ON_DELIVERY, TERMS)])
async def test_nobody_has_to_pay_by_a_time_that_nobody_said(
    pricing: PricingService, mode: types_pb2.PaymentMode.ValueType, terms: types_pb2.PaymentTerms | None
) -> None:
    await pricing.apply(formed(mode, terms).records)
    assert [line.HasField("pay_by") for line in await lines(pricing)] == [False, False]


async def test_a_line_that_takes_back_says_nothing_of_a_time(pricing: PricingService) -> None:
    life = formed(COMMIT, TERMS)
    await pricing.apply(life.records)
    life.default("tom")
    await pricing.apply(life.records[-1:])
    assert [line.HasField("pay_by") for line in await lines(pricing)] == [True, True, False]


async def test_what_is_not_paid_in_time_lapses_once(pricing: PricingService) -> None:
    life = formed(COMMIT, TERMS)
    await pricing.apply(life.records)
    mei, tom = await lines(pricing)
    await report(pricing, life, mei, PAID, life.now)
    pay_by = life.now + timedelta(hours=2)
    assert await told(pricing, pay_by - timedelta(seconds=1)) == []
    (event,) = await told(pricing, pay_by)
    assert event.payment_lapsed == events_pb2.PaymentLapsed(
        seat_id=tom.seat_id,
        line_id=tom.line_id,
        member_id="tom",
        amount=tom.due,
        reason=events_pb2.LAPSE_REASON_NOT_PAID,
    )
    assert event.occurred_at.ToDatetime(tzinfo=UTC) == pay_by
    assert event.event_id == str(ids.derived_id(UUID(tom.line_id), "PaymentLapsed"))
    assert await told(pricing, pay_by + timedelta(days=30)) == []
    states = await pricing.rows("SELECT member_id, state FROM awaited_payments ORDER BY member_id")
    assert [row["state"] for row in states] == ["CAME", "LAPSED"]


async def test_a_seat_that_has_gone_owes_nothing(pricing: PricingService) -> None:
    life = formed(COMMIT, TERMS)
    await pricing.apply(life.records)
    life.withdraw("tom")
    await pricing.apply(life.records[-1:])
    lapsed = await told(pricing, life.now + timedelta(days=1))
    assert [event.payment_lapsed.member_id for event in lapsed] == ["mei"]


async def test_an_authorisation_is_warned_of_and_lapses_from_its_confirmation_on(pricing: PricingService) -> None:
    life = formed(HOLD, TERMS)
    await pricing.apply(life.records)
    mei, tom = await lines(pricing)
    await report(pricing, life, mei, CAPTURED, life.now)
    confirmed = life.events[-2].occurred_at.ToDatetime(tzinfo=UTC)
    lapses = confirmed + timedelta(days=6)
    assert await told(pricing, lapses - timedelta(days=1, seconds=5)) == []
    (event,) = await told(pricing, lapses - timedelta(days=1))
    warned = event.authorisation_lapsing
    assert (warned.line_id, warned.amount) == (tom.line_id, tom.to_capture)
    assert warned.lapses_at.ToDatetime(tzinfo=UTC) == lapses
    (event,) = await told(pricing, lapses)
    assert event.payment_lapsed.reason == events_pb2.LAPSE_REASON_NOT_CAPTURED


async def test_a_failed_capture_opens_a_pay_window_for_that_seat_alone(pricing: PricingService) -> None:
    life = formed(HOLD, TERMS)
    await pricing.apply(life.records)
    mei, tom = await lines(pricing)
    failed = life.now + timedelta(hours=1)
    await report(pricing, life, tom, FAILED, failed)
    (event,) = await told(pricing, failed)
    due = event.payment_due
    assert (due.seat_id, due.amount) == (tom.seat_id, tom.to_capture)
    assert due.pay_by.ToDatetime(tzinfo=UTC) == failed + timedelta(hours=2)
    (event,) = await told(pricing, failed + timedelta(hours=2))
    assert event.payment_lapsed.reason == events_pb2.LAPSE_REASON_NOT_PAID
    await report(pricing, life, mei, CAPTURED, failed)
    assert await told(pricing, failed + timedelta(days=30)) == []


async def test_who_pays_after_a_failed_capture_keeps_the_seat(pricing: PricingService) -> None:
    life = formed(HOLD, TERMS)
    await pricing.apply(life.records)
    _mei, tom = await lines(pricing)
    await report(pricing, life, tom, FAILED, life.now)
    assert [event.WhichOneof("fact") for event in await told(pricing, life.now)] == ["payment_due"]
    await report(pricing, life, tom, PAID, life.now)
    assert await told(pricing, life.now + timedelta(hours=3)) == []


async def test_facts_of_payments_wait_for_lines_of_the_team(pricing: PricingService) -> None:
    life = FullLife(payment_mode=COMMIT, payment_terms=TERMS, maximum=CHUNK + 9)
    life.open("mei")
    life.confirm("mei")
    for number in range(CHUNK + 1):
        life.join(f"m{number}")
    life.form()
    await pricing.apply(life.records)
    await pricing.settlements.run_once()
    assert await told(pricing, life.now + timedelta(days=1)) == []
    assert await pricing.settle() == 2
    assert len(await told(pricing, life.now + timedelta(days=1))) == CHUNK + 2


async def test_who_takes_a_place_later_has_a_line_and_a_window_of_its_own(pricing: PricingService) -> None:
    life = FullLife(payment_mode=COMMIT, payment_terms=TERMS)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.wait("ann", quantity=2)
    life.wait("kim")
    life.form(waitlist_stays=True)
    formed_at = life.now
    life.default("tom")
    life.fill_place("ann")
    life.release("kim", types_pb2.RELEASE_REASON_TEAM_ENDED)
    await pricing.apply(life.records)
    line = (await lines(pricing))[-1]
    filled = life.events[-2]
    assert (line.cause, line.cause_event_id) == (events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED, filled.event_id)
    assert (line.member_id, line.quantity, line.due.minor_units) == ("ann", 2, 2 * life.price(2))
    window = filled.occurred_at.ToDatetime(tzinfo=UTC) + timedelta(hours=2)
    assert line.pay_by.ToDatetime(tzinfo=UTC) == window > formed_at
    lapsed = [event.payment_lapsed.member_id for event in await told(pricing, window)]
    assert lapsed == ["mei", "ann"]
    states = await pricing.rows("SELECT member_id, state, cap FROM seats ORDER BY member_id")
    assert [(row["member_id"], row["state"]) for row in states] == [
        ("ann", "CONFIRMED"),
        ("kim", "RELEASED"),
        ("mei", "CONFIRMED"),
        ("tom", "DEFAULTED"),
    ]


async def test_a_place_taken_before_all_lines_of_the_forming_are_made_is_settled_once(pricing: PricingService) -> None:
    life = FullLife(payment_mode=COMMIT, payment_terms=TERMS, maximum=CHUNK + 9)
    life.open("mei")
    life.confirm("mei")
    for number in range(CHUNK):
        life.join(f"m{number}")
    life.wait("ann")
    life.form(waitlist_stays=True)
    life.default("m0")
    life.fill_place("ann")
    await pricing.apply(life.records)
    while await pricing.settle():
        pass
    settled = await lines(pricing)
    assert len(settled) == CHUNK + 1 + 2
    assert [line.member_id for line in settled[-2:]] == ["m0", "ann"]


@pytest.mark.parametrize(("change", "reason"), [("cap", "the team formed at fill 2"), ("amount", "cap times quantity")])
async def test_a_place_at_another_price_than_the_final_one_is_set_aside(
    pricing: PricingService, change: str, reason: str
) -> None:
    life = FullLife(payment_mode=COMMIT, payment_terms=TERMS)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.wait("ann")
    life.form(waitlist_stays=True)
    life.default("tom")
    event = life.fill_place("ann")
    event.seat_confirmed.amount.minor_units += 1
    if change == "cap":
        event.seat_confirmed.seat.cap.minor_units += 1
    await pricing.apply([*life.records[:-1], record(event)])
    [row] = await pricing.rows("SELECT reason FROM parked_messages")
    assert reason in row["reason"]
