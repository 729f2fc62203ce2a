"""The demo's own arithmetic on a team's events: caps, charges and refunds, and what it notices."""

import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1.events_pb2 import SettlementCause, SettlementLine

from deploy.demo.proof.owed import Owed
from deploy.demo.proof.recheck import differences, recompute
from deploy.demo.proof.words import in_words
from tests.support.teams import COMMIT, HOLD, UNITS, TeamLife, price_table

FORMED = SettlementCause.SETTLEMENT_CAUSE_TEAM_FORMED
FAILED = SettlementCause.SETTLEMENT_CAUSE_TEAM_FAILED
LEFT = SettlementCause.SETTLEMENT_CAUSE_SEAT_LEFT
LATE = SettlementCause.SETTLEMENT_CAUSE_LATE_PAYMENT


@pytest.fixture
def story() -> TeamLife:
    """Mei, Tom and Ann join, Tom leaves, Ben joins, and the team forms with three."""
    life = TeamLife(minimum=3)
    life.open("Mei")
    life.confirm("Mei")
    life.join("Tom")
    life.join("Ann")
    life.leave("Tom")
    life.join("Ben")
    life.form()
    return life


def owed(life: TeamLife, member: str, cause: int, *amounts: int) -> Owed:
    return Owed(life.seat(member).seat_id, cause, *amounts)


def line(item: Owed) -> SettlementLine:
    """Make the line that pricing would give, of money paid in advance."""
    return SettlementLine(
        seat_id=item.seat_id,
        cause=item.cause,  # type: ignore[arg-type]  # an int in Owed
        unit_price=eur(item.unit_price),
        paid=eur(item.given),
        to_keep=eur(item.kept),
        to_refund=eur(item.back),
        due=eur(item.due),
    )


def eur(minor_units: int) -> Money:
    return Money(minor_units=minor_units, currency="EUR")


def test_everybody_pays_the_price_at_the_end_and_gets_the_rest_back(story: TeamLife) -> None:
    result = recompute(story.events)
    assert result.wrong == []
    assert result.final_fill == 3
    assert result.owed == [
        owed(story, "Tom", LEFT, 0, 3490, 0, 3490, 0),
        owed(story, "Mei", FORMED, 2990, 3990, 2990, 1000, 0),
        owed(story, "Ann", FORMED, 2990, 2990, 2990, 0, 0),
        owed(story, "Ben", FORMED, 2990, 2990, 2990, 0, 0),
    ]
    assert differences(result, [line(item) for item in result.owed]) == []


def test_nobody_pays_above_the_cap_when_the_price_rose() -> None:
    life = TeamLife()
    life.open("Mei")
    life.confirm("Mei")
    for name in ("Tom", "Ann"):
        life.join(name)
    life.leave("Tom")
    life.form()
    assert [item.unit_price for item in recompute(life.events).owed] == [0, 3490, 2990]


def test_a_failed_team_gives_everything_back_and_an_unpaid_hold_owes_nothing() -> None:
    life = TeamLife(minimum=4)
    life.open("Mei")
    life.confirm("Mei")
    life.join("Tom")
    life.hold("Ann")
    life.expire("Ann")
    life.fail()
    result = recompute(life.events)
    assert result.wrong == []
    assert result.owed == [
        owed(life, "Mei", FAILED, 0, 3990, 0, 3990, 0),
        owed(life, "Tom", FAILED, 0, 3490, 0, 3490, 0),
    ]


def test_units_authorised_and_late_payments_are_counted() -> None:
    life = TeamLife(table=price_table(basis=UNITS), payment_mode=HOLD)
    life.open("Mei", quantity=2)
    life.confirm("Mei")
    life.join("Tom", quantity=3)
    life.form()
    life.late("Tom")
    life.late("Tom", "pay-later")
    result = recompute(life.events)
    assert result.wrong == []
    late = owed(life, "Tom", LATE, 0, 7470, 0, 7470, 0)
    assert result.owed == [
        owed(life, "Mei", FORMED, 2490, 6980, 4980, 2000, 0),
        owed(life, "Tom", FORMED, 2490, 7470, 7470, 0, 0),
        late,
        late,
    ]
    assert len(differences(result, [line(item) for item in result.owed[:-1]])) == 1


def test_what_is_only_promised_is_due() -> None:
    life = TeamLife(payment_mode=COMMIT)
    life.open("Mei")
    life.confirm("Mei")
    life.join("Tom")
    life.form()
    assert [(item.given, item.kept, item.back, item.due) for item in recompute(life.events).owed] == [
        (0, 0, 0, 3490),
        (0, 0, 0, 3490),
    ]


def test_a_cent_too_much_is_noticed(story: TeamLife) -> None:
    result = recompute(story.events)
    lines = [line(item) for item in result.owed]
    lines[1].to_keep.minor_units += 1
    told = differences(result, lines)
    assert len(told) == 2
    assert "computed, and not in GetSettlement" in told[0]
    assert "in GetSettlement, and not computed" in told[1]


def test_a_wrong_cap_a_wrong_total_and_a_wrong_amount_in_an_event_are_noticed(story: TeamLife) -> None:
    story.events[3].seat_held.seat.cap.minor_units = 1
    story.events[4].seat_confirmed.amount.minor_units = 1
    story.events[5].totals.confirmed_members = 9
    wrong = recompute(story.events).wrong
    assert len(wrong) == 3
    assert "cap 1 in the event, 3490 by its fill" in wrong[0]
    assert "1 confirmed, which is not cap times quantity" in wrong[1]
    assert "fill 9 in the event, 2 by counting" in wrong[2]


def test_a_missing_event_is_noticed(story: TeamLife) -> None:
    with pytest.raises(ValueError, match=r"version 4 of .* is missing"):
        recompute(story.events[:3] + story.events[4:])


def test_a_charge_is_told_step_by_step(story: TeamLife) -> None:
    mei = recompute(story.events).owed[1]
    assert in_words(story.events, mei, "Mei", 3) == [
        "Mei took the seat at version 2: with it the fill was 1, so the cap is 39.90",
        "the team ended with fill 3: price 29.90; charged the lower one, 29.90 x 1",
        "given 39.90 - charged 29.90 = back 10.00 EUR",
    ]
