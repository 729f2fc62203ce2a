"""A payment that lapsed takes its seat back by the ordinary path: once, and for nobody who has gone already."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.chassis.inbox import Inbox
from services.chassis.messages import Record, headers, message
from services.team_formation.domain import OnBelowMinimum, OnFull, OnUnpaid, PaymentMode, PaymentTerms
from services.team_formation.handlers import SETTLEMENT_TOPIC, SettlementHandler
from tests.support.database import Database
from tests.support.formation import PLATFORM, START, Formation, a_campaign, a_formation

_numbers = count(1)


@pytest.fixture
async def formation(database: Database) -> AsyncIterator[Formation]:
    async with a_formation(await database("team_formation")) as formation:
        yield formation


async def a_formed_team(formation: Formation, *members: str, **rules: Any) -> dict[str, Any]:
    """Have a team form with these members' seats, each promised; gives the seats by member."""
    terms = {"payment_terms": PaymentTerms(), **rules}
    campaign = a_campaign(payment_mode=PaymentMode.COMMIT, rules=terms, maximum=len(members), stock=99)
    opened = await formation.open(await formation.create(campaign), members[0])
    seats = {members[0]: opened.seat}
    for member in members[1:]:
        seats[member] = (await formation.join(opened.team.team_id, member)).seat
    for seat in seats.values():
        await formation.confirm(seat)
    return seats


def lapsed(seat: Any, event_id: UUID | None = None) -> Record:
    """The record that the payment of a seat lapsed, as pricing tells it."""
    event = events_pb2.SettlementEvent(
        event_id=str(event_id or uuid4()),
        platform_id=ids.opaque("plat", PLATFORM),
        sequence=next(_numbers),
        team_id=seat.team_id,
        payment_lapsed=events_pb2.PaymentLapsed(
            seat_id=seat.seat_id, line_id=str(uuid4()), reason=events_pb2.LAPSE_REASON_NOT_PAID
        ),
    )
    event.occurred_at.FromDatetime(START + timedelta(days=1))
    told = message(SETTLEMENT_TOPIC, seat.team_id, event)
    return Record(SETTLEMENT_TOPIC, told.key, told.payload, tuple(headers(told)), partition=0, offset=event.sequence)


def inbox(formation: Formation) -> Inbox:
    """What applies records."""
    return Inbox(formation.database, {SETTLEMENT_TOPIC: SettlementHandler(formation.commands).on_settlement_events})


async def states(formation: Formation) -> dict[str, str]:
    """The states of the seats, by member."""
    return dict(await formation.rows("SELECT member_id, state FROM seats"))


async def test_the_seat_of_a_lapsed_payment_defaults_once(formation: Formation) -> None:
    seats = await a_formed_team(formation, "mei", "tom", "ann")
    event_id = uuid4()
    await inbox(formation).apply([lapsed(seats["tom"], event_id)])
    assert await states(formation) == {"mei": "CONFIRMED", "tom": "DEFAULTED", "ann": "CONFIRMED"}
    events = await formation.events(seats["tom"].team_id)
    assert events[-1].seat_defaulted.reason == "not paid in time"
    assert events[-1].seat_defaulted.after_formed
    await inbox(formation).apply([lapsed(seats["tom"], event_id)])  # by another number: only its id says it is the same
    assert await formation.events(seats["tom"].team_id) == events
    assert await formation.rows("SELECT taken FROM stock") == [(2,)]


async def test_news_of_a_seat_that_has_gone_changes_nothing(formation: Formation) -> None:
    seats = await a_formed_team(formation, "mei", "tom", leave_after_formed=timedelta(days=9))
    await formation.leave(seats["tom"])
    events = await formation.events(seats["tom"].team_id)
    await inbox(formation).apply([lapsed(seats["tom"])])
    assert await formation.events(seats["tom"].team_id) == events
    assert await formation.rows("SELECT * FROM parked_messages") == []


async def test_news_of_a_seat_that_nobody_knows_is_set_aside(formation: Formation) -> None:
    seats = await a_formed_team(formation, "mei", "tom")
    unknown = type(seats["tom"])()
    unknown.CopyFrom(seats["tom"])
    unknown.seat_id = ids.opaque("seat", (ids.parse("seat", unknown.seat_id, 2) or ())[0], uuid4())
    await inbox(formation).apply([lapsed(unknown)])
    reasons = await formation.rows("SELECT reason FROM parked_messages")
    assert reasons == [("the seat cannot be taken back: SEAT_UNKNOWN",)]
    assert set((await states(formation)).values()) == {"CONFIRMED"}


async def test_too_few_who_pay_cancel_every_seat_of_the_formed_team(formation: Formation) -> None:
    terms = PaymentTerms(on_below_minimum=OnBelowMinimum.FAIL)
    seats = await a_formed_team(formation, "mei", "tom", "ann", payment_terms=terms)
    formed_at = formation.clock.now()
    formation.clock.move(timedelta(hours=1))
    await inbox(formation).apply([lapsed(seats["tom"])])
    assert await states(formation) == {"mei": "CONFIRMED", "tom": "DEFAULTED", "ann": "CONFIRMED"}
    await inbox(formation).apply([lapsed(seats["mei"])])
    assert await states(formation) == {"mei": "DEFAULTED", "tom": "DEFAULTED", "ann": "RELEASED"}
    last = (await formation.events(seats["mei"].team_id))[-1]
    assert last.state == types_pb2.TEAM_STATE_FORMED
    assert last.team_cancelled.below_minimum
    assert last.totals == types_pb2.Totals()
    assert await formation.rows("SELECT taken FROM stock") == [(0,)]
    assert await formation.rows("SELECT state, ended_at FROM teams") == [("FORMED", formed_at)]
    released = await formation.rows("SELECT released_at, release_reason FROM seats WHERE member_id = 'ann'")
    assert released == [(formation.clock.now(), "TEAM_CANCELLED")]


FILLS = PaymentTerms(on_unpaid=OnUnpaid.FILL_FROM_WAITLIST)


async def a_team_with_a_waitlist(formation: Formation, *waiting: str) -> dict[str, Any]:
    """A formed team of mei and tom in which others wait still."""
    terms = {"payment_terms": FILLS, "on_full": OnFull.WAITLIST}
    campaign = a_campaign(payment_mode=PaymentMode.COMMIT, rules=terms, maximum=2, stock=2)
    opened = await formation.open(await formation.create(campaign), "mei")
    seats = {"mei": opened.seat, "tom": (await formation.join(opened.team.team_id, "tom")).seat}
    for member in waiting:
        seats[member] = (await formation.join(opened.team.team_id, member)).seat
    for member in ("mei", "tom"):
        await formation.confirm(seats[member])
    return seats


async def test_the_place_of_who_did_not_pay_goes_to_who_waits_longest(formation: Formation) -> None:
    seats = await a_team_with_a_waitlist(formation, "ann", "kim")
    assert (await formation.events(seats["mei"].team_id))[-1].totals.waiting_members == 2
    formation.clock.move(timedelta(days=1))
    await inbox(formation).apply([lapsed(seats["tom"])])
    assert await states(formation) == {"mei": "CONFIRMED", "tom": "DEFAULTED", "ann": "CONFIRMED", "kim": "WAITING"}
    filled = (await formation.events(seats["mei"].team_id))[-1].seat_confirmed
    assert (filled.from_waitlist, filled.seat.cap.minor_units, filled.seat.cap_fill) == (True, 3490, 2)
    assert filled.amount.minor_units == 3490
    assert await formation.rows("SELECT taken FROM stock") == [(2,)]


async def test_who_waits_is_released_when_no_window_can_have_lapsed(formation: Formation) -> None:
    seats = await a_team_with_a_waitlist(formation, "ann", "kim")
    formation.clock.move(timedelta(hours=24))
    assert await formation.finder.run_once() == 0
    await inbox(formation).apply([lapsed(seats["tom"])])
    formation.clock.move(timedelta(hours=24))  # ann has until now to pay, and an hour more for the news
    assert await formation.finder.run_once() == 0
    formation.clock.move(timedelta(hours=1))
    assert await formation.finder.run_once() == 1
    assert (await states(formation))["kim"] == "RELEASED"
    last = (await formation.events(seats["mei"].team_id))[-1]
    assert last.seat_released.seat.release_reason == types_pb2.RELEASE_REASON_TEAM_ENDED
    assert last.totals.waiting_members == 0
    assert await formation.finder.run_once() == 0


async def test_who_waits_goes_with_a_formed_team_that_is_cancelled(formation: Formation) -> None:
    seats = await a_team_with_a_waitlist(formation, "ann")
    await formation.cancel(seats["mei"].team_id)
    found = await formation.rows("SELECT member_id, release_reason FROM seats")
    assert dict(found) == {"mei": "TEAM_CANCELLED", "tom": "TEAM_CANCELLED", "ann": "TEAM_ENDED"}
