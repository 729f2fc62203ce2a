"""Settlement lines: they balance in every mode and cause, charge the price and never more than the cap."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import ids
from services.pricing.domain import (
    Amounts,
    Basis,
    Cause,
    Job,
    PaymentMode,
    PriceRow,
    PriceStep,
    PriceTable,
    Role,
    Seat,
    SeatState,
    SettlementLine,
    Team,
    TeamState,
    Totals,
    divide,
    settle,
)

CAMPAIGN, TEAM, PLATFORM, SEAT, EVENT = (UUID(int=n) for n in range(1, 6))
AT = datetime(2026, 3, 1, tzinfo=UTC)
TABLE = PriceTable(
    "EUR",
    Basis.TEAM_MEMBERS,
    1,
    tuple(PriceRow("mango", role, (PriceStep(0, 3990), PriceStep(2, 3490, 1), PriceStep(3, 2990, 2))) for role in Role),
)


SINGLE = {Cause.SEAT_LEFT, Cause.LATE_PAYMENT, Cause.SEAT_REDUCED, Cause.SEAT_WITHDRAWN, Cause.SEAT_DEFAULTED}
MONEY_MOVES = {PaymentMode.HOLD, PaymentMode.PREPAID}


def team(mode: PaymentMode, fill: int, formed_version: int | None = None) -> Team:
    totals, state = Totals(fill, fill), TeamState.FORMED
    return Team(
        CAMPAIGN, TEAM, PLATFORM, "orchard", mode, 1, state, 9, totals, fill, 8, 9, formed_version=formed_version
    )


def seat(cap: int = 3490, quantity: int = 2, number: int = 4) -> Seat:
    return Seat(
        CAMPAIGN,
        SEAT,
        TEAM,
        PLATFORM,
        "tom",
        "mango",
        Role.MEMBER,
        quantity,
        cap,
        2,
        SeatState.CONFIRMED,
        payment_reference="pay-1",
        number=number,
    )


def job(cause: Cause, *, seat_id: UUID | None = None, units: int = 0, amount: int = 0) -> Job:
    return Job(
        CAMPAIGN,
        TEAM,
        PLATFORM,
        9,
        cause,
        EVENT,
        AT,
        first_sequence=7,
        lines=1,
        seat_id=seat_id,
        units=units,
        amount=amount,
        payment_reference="pay-late" if seat_id else "",
    )


def line(
    mode: PaymentMode, cause: Cause, fill: int = 3, *, after_formed: bool = False, **of_seat: int
) -> SettlementLine:
    """Settle a seat, all its units, at version 9 of a team that had formed before or has not."""
    what = seat(**of_seat)
    formed = 5 if after_formed else 9 if cause is Cause.TEAM_FORMED else None
    about = job(cause, seat_id=SEAT, units=what.quantity, amount=what.committed) if cause in SINGLE else job(cause)
    lines, after = settle(team(mode, fill, formed), TABLE, about, [(ids.derived_id(SEAT, EVENT), what)])
    assert after.finished
    assert after.after_number == what.number
    return lines[0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PaymentMode.COMMIT, Amounts(due=5980)),
        (PaymentMode.PAY_ON_DELIVERY, Amounts(due=5980)),
        (PaymentMode.HOLD, Amounts(authorised=6980, to_capture=5980, to_void=1000)),
        (PaymentMode.PREPAID, Amounts(paid=6980, to_keep=5980, to_refund=1000)),
    ],
)
def test_a_formed_team_charges_the_final_price(mode: PaymentMode, expected: Amounts) -> None:
    made = line(mode, Cause.TEAM_FORMED)
    assert made.unit_price == 2990
    assert made.amounts == expected
    assert (made.sequence, made.team_version, made.at, made.payment_reference) == (7, 9, AT, "pay-1")
    assert made.line_id == uuid5(SEAT, str(EVENT))


@pytest.mark.parametrize("cause", set(Cause) - {Cause.TEAM_FORMED, Cause.SEAT_DEFAULTED, Cause.SEAT_WITHDRAWN})
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PaymentMode.COMMIT, Amounts()),
        (PaymentMode.PAY_ON_DELIVERY, Amounts()),
        (PaymentMode.HOLD, Amounts(authorised=6980, to_void=6980)),
        (PaymentMode.PREPAID, Amounts(paid=6980, to_refund=6980)),
    ],
)
def test_before_the_team_forms_everything_goes_back(cause: Cause, mode: PaymentMode, expected: Amounts) -> None:
    made = line(mode, cause)
    assert (made.quantity, made.unit_price) == (2, 0)
    assert made.amounts == expected
    assert made.payment_reference == ("pay-late" if cause in SINGLE else "pay-1")


@pytest.mark.parametrize("cause", [Cause.SEAT_REDUCED, Cause.SEAT_WITHDRAWN, Cause.TEAM_CANCELLED])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PaymentMode.COMMIT, Amounts(due=-5980)),
        (PaymentMode.PAY_ON_DELIVERY, Amounts(due=-5980)),
        (PaymentMode.HOLD, Amounts(to_capture=-5980, to_void=5980)),
        (PaymentMode.PREPAID, Amounts(to_keep=-5980, to_refund=5980)),
    ],
)
def test_after_the_team_formed_what_was_charged_is_taken_back(
    cause: Cause, mode: PaymentMode, expected: Amounts
) -> None:
    made = line(mode, cause, after_formed=True)
    assert (made.quantity, made.unit_price) == (-2, 2990)
    assert made.amounts == expected


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        (PaymentMode.COMMIT, Amounts(), Amounts(due=-5980)),
        (PaymentMode.PAY_ON_DELIVERY, Amounts(), Amounts(due=-5980)),
        (PaymentMode.HOLD, Amounts(authorised=6980, to_void=6980), Amounts(to_capture=-5980, to_void=5980)),
        (PaymentMode.PREPAID, Amounts(), Amounts(paid=-6980, to_keep=-5980, to_refund=-1000)),
    ],
)
def test_money_that_did_not_come_is_expected_no_more_and_never_paid_back(
    mode: PaymentMode, before: Amounts, after: Amounts
) -> None:
    assert line(mode, Cause.SEAT_DEFAULTED).amounts == before
    assert line(mode, Cause.SEAT_DEFAULTED, after_formed=True).amounts == after


def test_a_late_payment_goes_back_after_the_team_formed_too() -> None:
    made = line(PaymentMode.PREPAID, Cause.LATE_PAYMENT, after_formed=True)
    assert (made.quantity, made.unit_price) == (2, 0)
    assert made.amounts == Amounts(paid=6980, to_refund=6980)


def test_who_changed_after_the_team_formed_is_settled_as_it_was_then() -> None:
    changed = replace(seat(quantity=1), state=SeatState.RELEASED, formed_quantity=2)
    [made], _ = settle(team(PaymentMode.PREPAID, 3, 9), TABLE, job(Cause.TEAM_FORMED), [(SEAT, changed)])
    assert (made.quantity, made.amounts) == (2, Amounts(paid=6980, to_keep=5980, to_refund=1000))


@given(
    st.sampled_from(PaymentMode),
    st.sampled_from(Cause),
    st.sampled_from([5, 9]),
    st.integers(0, 10),
    st.integers(0, 10**12),
    st.integers(1, 1000),
)
def test_every_line_balances_and_charges_at_most_the_cap(
    mode: PaymentMode, cause: Cause, formed_version: int, fill: int, cap: int, quantity: int
) -> None:
    after_formed = formed_version < 9 and cause is not Cause.TEAM_FORMED
    made = line(mode, cause, fill, after_formed=after_formed, cap=cap, quantity=quantity)
    amounts = made.amounts
    assert amounts.authorised == amounts.to_capture + amounts.to_void
    assert amounts.paid == amounts.to_keep + amounts.to_refund
    assert amounts.charged == made.unit_price * made.quantity <= cap * quantity
    price = min(cap, 3990 if fill < 2 else 3490 if fill < 3 else 2990)
    taken_back = after_formed and cause is not Cause.LATE_PAYMENT
    assert made.unit_price == (price if taken_back or cause is Cause.TEAM_FORMED else 0)
    assert made.quantity == (-quantity if taken_back else quantity)
    came = cause is not Cause.SEAT_DEFAULTED or mode is not PaymentMode.PREPAID
    brought = cap * quantity if mode in MONEY_MOVES else 0
    assert amounts.authorised + amounts.paid == ((0 if came else -brought) if taken_back else (brought if came else 0))


@pytest.mark.parametrize(
    "amounts",
    [
        {"authorised": 10, "to_capture": 5, "to_void": 4},
        {"paid": 10, "to_keep": 5, "to_refund": 6},
        {"paid": 10, "to_keep": 11, "to_refund": -1},
        {"to_refund": 10, "to_keep": -10, "due": 1},
        {"authorised": 10, "to_void": 11, "to_capture": -1},
        {"to_void": -1, "to_capture": 1},
    ],
)
def test_amounts_that_do_not_balance_cannot_be_made(amounts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="settlement line"):
        Amounts(**amounts)


@pytest.mark.parametrize(
    "changed", [{"unit_price": 3491}, {"unit_price": -2990}, {"quantity": -2}, {"quantity": 3}, {"cap": 2989}]
)
def test_a_line_that_does_not_charge_its_price_cannot_be_made(changed: dict[str, Any]) -> None:
    made = line(PaymentMode.PREPAID, Cause.TEAM_FORMED)
    with pytest.raises(ValueError, match="settlement line"):
        replace(made, **changed)


@pytest.mark.parametrize("mode", [PaymentMode.HOLD, PaymentMode.PREPAID])
def test_more_than_was_brought_cannot_be_charged(mode: PaymentMode) -> None:
    with pytest.raises(ValueError, match="below zero"):
        divide(mode, 100, 101)


def test_a_job_goes_on_where_its_last_chunk_ended() -> None:
    whole = Job(CAMPAIGN, TEAM, PLATFORM, 9, Cause.TEAM_FORMED, EVENT, AT, first_sequence=7, lines=3)
    seats = [(ids.derived_id(UUID(int=n), EVENT), seat(number=n)) for n in (2, 5, 6)]
    first, after = settle(team(PaymentMode.COMMIT, 3), TABLE, whole, seats[:2])
    assert (after.done, after.after_number, after.finished) == (2, 5, False)
    second, after = settle(team(PaymentMode.COMMIT, 3), TABLE, after, seats[2:])
    assert [made.sequence for made in first + second] == [7, 8, 9]
    assert after.finished
