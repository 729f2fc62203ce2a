"""The demo's own arithmetic on what came with 0.2.0: waitlist, sponsors, leaders, parts, defaults, cancellations."""

import pytest
from groupbuy.pricing.v1.events_pb2 import SettlementCause as Cause
from groupbuy.team_formation.v1 import types_pb2

from deploy.demo.proof.owed import Owed
from deploy.demo.proof.recheck import Delivered, recompute
from tests.support.pricing_lives import FullLife, a_full_life
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID, UNITS, price_table

FORMED = Cause.SETTLEMENT_CAUSE_TEAM_FORMED
CANCELLED = Cause.SETTLEMENT_CAUSE_TEAM_CANCELLED
DEFAULTED = Cause.SETTLEMENT_CAUSE_SEAT_DEFAULTED
REFUSED = Cause.SETTLEMENT_CAUSE_DELIVERY_REFUSED
REDUCED = Cause.SETTLEMENT_CAUSE_SEAT_REDUCED
WITHDRAWN = Cause.SETTLEMENT_CAUSE_SEAT_WITHDRAWN


def owed(life: FullLife, member: str, cause: int, *amounts: int) -> Owed:
    return Owed(life.seat(member).seat_id, cause, *amounts)


def of(life: FullLife, cause: int) -> list[Owed]:
    """What is owed for one cause; the events must agree with the arithmetic."""
    result = recompute(life.events)
    assert result.wrong == []
    return [item for item in result.owed if item.cause == cause]


def three(payment_mode: types_pb2.PaymentMode.ValueType = PREPAID) -> FullLife:
    """Mei, Tom and Ann are confirmed at caps of 39.90, 34.90 and 29.90."""
    life = a_full_life(payment_mode=payment_mode)
    life.open("Mei")
    life.confirm("Mei")
    life.join("Tom")
    life.join("Ann")
    return life


def formed(payment_mode: types_pb2.PaymentMode.ValueType = PREPAID) -> FullLife:
    life = three(payment_mode)
    life.form()
    return life


def test_a_cap_is_fixed_when_a_waiting_seat_takes_its_place() -> None:
    life = three()
    life.wait("Ben")
    life.leave("Tom")
    life.take_turn("Ben")
    life.confirm("Ben")
    life.form()
    assert of(life, FORMED)[-1] == owed(life, "Ben", FORMED, 2990, 2990, 2990, 0, 0)
    life.events[9].seat_held.seat.cap.minor_units = 1
    assert "cap 1 in the event, 2990 by its fill" in recompute(life.events).wrong[0]


def test_a_sponsored_place_lowers_the_price_and_owes_nothing() -> None:
    life = three()
    life.sponsor("place 1")
    life.sponsor("place 2")
    life.form()
    assert [item.unit_price for item in of(life, FORMED)] == [2490 - 200, 2490, 2490]
    assert len(recompute(life.events).owed) == 3


def test_who_leads_after_another_pays_the_leaders_price_and_never_above_the_cap() -> None:
    life = three()
    life.leave("Mei")
    life.lead("Tom")
    life.join("Ben")
    life.form()
    assert [(item.given, item.unit_price) for item in of(life, FORMED)] == [(3490, 2790), (2990, 2990), (2990, 2990)]


@pytest.mark.parametrize(
    ("mode", "amounts"),
    [(PREPAID, (2990, 0, -2990, 2990, 0)), (HOLD, (2990, 0, -2990, 2990, 0)), (COMMIT, (2990, 0, 0, 0, -2990))],
)
def test_what_is_given_back_after_formation_takes_back_its_charge(
    mode: types_pb2.PaymentMode.ValueType, amounts: tuple[int, ...]
) -> None:
    life = formed(mode)
    life.withdraw("Tom")
    assert of(life, WITHDRAWN) == [owed(life, "Tom", WITHDRAWN, *amounts)]
    assert recompute(life.events).final_fill == 3


@pytest.mark.parametrize(
    ("mode", "amounts"),
    [(PREPAID, (2990, -3490, -2990, -500, 0)), (HOLD, (2990, 0, -2990, 2990, 0)), (COMMIT, (2990, 0, 0, 0, -2990))],
)
def test_money_that_did_not_come_after_formation_is_expected_no_more(
    mode: types_pb2.PaymentMode.ValueType, amounts: tuple[int, ...]
) -> None:
    life = formed(mode)
    life.default("Tom")
    assert of(life, DEFAULTED) == [owed(life, "Tom", DEFAULTED, *amounts)]


def test_money_that_did_not_come_before_formation_lifts_the_price_and_only_an_authorisation_ends() -> None:
    for mode, amounts in ((PREPAID, None), (HOLD, (0, 3490, 0, 3490, 0)), (COMMIT, None)):
        life = three(mode)
        life.default("Tom")
        life.form()
        assert of(life, DEFAULTED) == ([owed(life, "Tom", DEFAULTED, *amounts)] if amounts else [])
        assert recompute(life.events).final_fill == 2


def test_parts_go_back_at_the_cap_before_formation_and_at_the_price_after() -> None:
    life = a_full_life(table=price_table(basis=UNITS))
    life.open("Mei", quantity=3)
    life.confirm("Mei")
    life.join("Tom", quantity=3)
    life.hold("Ann", quantity=2)
    life.reduce("Ann", 1)
    life.leave("Ann")
    life.reduce("Mei", 1)
    life.form()
    life.reduce("Tom", 2)
    assert of(life, REDUCED) == [
        owed(life, "Mei", REDUCED, 0, 2990, 0, 2990, 0),
        owed(life, "Tom", REDUCED, 2490, 0, -4980, 4980, 0),
    ]
    assert [item.kept for item in of(life, FORMED)] == [4980, 7470]


def test_a_cancelled_team_gives_back_what_was_brought_or_takes_back_what_was_charged() -> None:
    before, after = three(), formed()
    before.cancel()
    after.cancel()
    assert [(item.given, item.back) for item in of(before, CANCELLED)] == [(3990, 3990), (3490, 3490), (2990, 2990)]
    assert [(item.kept, item.back) for item in of(after, CANCELLED)] == [(-2790, 2790), (-2990, 2990), (-2990, 2990)]


def test_units_refused_at_the_door_are_due_no_longer_and_are_taken_back_once() -> None:
    life = a_full_life(payment_mode=PAY_ON_DELIVERY)
    life.open("Mei")
    life.confirm("Mei")
    life.join("Tom", quantity=5)
    life.form()
    tom, mei = life.seat("Tom").seat_id, life.seat("Mei").seat_id
    deliveries = [Delivered(tom, 2, life.version), Delivered(mei, 1, life.version)]
    life.withdraw("Tom")
    result = recompute(life.events, deliveries=deliveries)
    assert result.wrong == []
    assert result.owed[2:] == [
        owed(life, "Tom", REFUSED, 3490, 0, 0, 0, -3 * 3490),
        owed(life, "Tom", WITHDRAWN, 3490, 0, 0, 0, -2 * 3490),
    ]


def test_a_delivery_of_what_no_member_has_is_told() -> None:
    life = formed(PAY_ON_DELIVERY)
    tom, version = life.seat("Tom").seat_id, life.version
    life.withdraw("Tom")
    told = recompute(life.events, deliveries=[Delivered(tom, 0, life.version), Delivered("seat_x", 0, version)]).wrong
    assert told == ["seat_x: delivered, and has no confirmed seat", f"{tom}: delivered, and has no confirmed seat"]


def test_what_moves_no_money_is_passed_over_and_what_is_not_known_is_told() -> None:
    life = three()
    life.hold("Ben")
    life.extend("Ben")
    life.reschedule()
    life.tip()
    assert recompute(life.events).wrong == []
    life.events[-1].ClearField("team_tipped")
    assert recompute(life.events).wrong == ["version 11: nothing is not known to this check"]
