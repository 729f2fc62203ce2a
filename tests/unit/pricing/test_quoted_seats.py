"""What pricing makes of seats that a quote gave a price of their own: caps agree with it, and it never changes."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.pricing import domain
from services.pricing.domain import FactKind, OwnStep, PriceRow, PriceStep, Role, Seat, SeatState, TeamState, Totals
from services.pricing.domain.seat_checks import seat_problem

STEPS = (PriceStep(0, 3990), PriceStep(2, 3490, 1), PriceStep(3, 2990, 2))
TABLE = domain.PriceTable(
    "EUR", domain.Basis.TEAM_MEMBERS, 1, tuple(PriceRow("mango", role, STEPS, 2000) for role in Role)
)
OWN = (OwnStep(0, 3591), OwnStep(2, 3141), OwnStep(3, 2691))
TEAM = domain.Team(
    UUID(int=1),
    UUID(int=2),
    UUID(int=3),
    "merchant",
    domain.PaymentMode.PREPAID,
    1,
    TeamState.FORMING,
    5,
    Totals(confirmed_members=1, confirmed_units=1),
    fill=1,
    fill_version=4,
)
SEAT = Seat(
    TEAM.campaign_id,
    UUID(int=4),
    TEAM.team_id,
    TEAM.platform_id,
    "tom",
    "mango",
    Role.MEMBER,
    1,
    3141,
    2,
    SeatState.HELD,
    own_steps=OWN,
)


def problem(told: Seat, kind: FactKind = FactKind.SEAT_HELD, stored: Seat | None = None) -> str | None:
    fact = domain.TeamFact(
        kind,
        UUID(int=5),
        TEAM.campaign_id,
        TEAM.team_id,
        TEAM.platform_id,
        6,
        datetime(2026, 11, 21, tzinfo=UTC),
        TEAM.totals,
        TEAM.state,
        "EUR",
        seat=told,
        amount=told.committed if kind is FactKind.SEAT_CONFIRMED else 0,
    )
    return seat_problem(TEAM, stored, TABLE, fact, 0)


def test_a_cap_is_the_own_price_with_the_seat_added() -> None:
    assert problem(SEAT) is None
    assert problem(replace(SEAT, cap=3490)) == "the cap is 3490; at fill 2 its own price says 3141"


def test_a_quote_may_promise_less_than_the_price_at_the_fill_and_never_more() -> None:
    assert problem(replace(SEAT, cap=3000, cap_from_quote=True)) is None
    for cap in (3141, 3200, -1):
        assert problem(replace(SEAT, cap=cap, cap_from_quote=True)) == (
            f"a quote's cap of {cap} is not below the price of 3141"
        )


def test_a_quote_without_a_coupon_is_compared_with_the_table() -> None:
    assert problem(replace(SEAT, own_steps=(), cap=3000, cap_from_quote=True)) is None
    assert problem(replace(SEAT, own_steps=(), cap=3141)) == "the cap is 3141; at fill 2 the price table says 3490"


@pytest.mark.parametrize(
    "steps",
    [(OwnStep(1, 3591),), (OwnStep(0, 3591), OwnStep(0, 3141)), (OwnStep(0, 3591), OwnStep(3, 3), OwnStep(2, 9))],
)
def test_own_steps_ascend_from_zero(steps: tuple[OwnStep, ...]) -> None:
    assert problem(replace(SEAT, own_steps=steps)) == "the seat's own steps do not ascend from 0"


def test_no_own_price_is_below_the_floor() -> None:
    low = (OwnStep(0, 3591), OwnStep(2, 1999))
    assert problem(replace(SEAT, own_steps=low, cap=1999)) == (
        "an own price of 1999 is below the item's floor price of 2000"
    )


def test_an_own_price_never_changes() -> None:
    confirmed = replace(SEAT, state=SeatState.CONFIRMED)
    assert problem(confirmed, FactKind.SEAT_CONFIRMED, SEAT) is None
    for told in (replace(confirmed, own_steps=()), replace(confirmed, own_steps=(OwnStep(0, 3141),))):
        assert "own price" in (problem(told, FactKind.SEAT_CONFIRMED, SEAT) or "")
    assert "the cap is" in (problem(replace(confirmed, cap_from_quote=True), FactKind.SEAT_CONFIRMED, SEAT) or "")


def test_the_final_price_is_the_own_one_under_the_cap_whoever_leads() -> None:
    formed = replace(TEAM, state=TeamState.FORMED, fill=3)
    assert domain.final_price(formed, TABLE, SEAT) == 2691
    assert domain.final_price(formed, TABLE, replace(SEAT, role=Role.LEADER, cap_role=Role.MEMBER)) == 2691
    assert domain.final_price(replace(formed, fill=1), TABLE, SEAT) == 3141, "never above the cap"
