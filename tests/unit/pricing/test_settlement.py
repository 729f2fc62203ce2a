"""Settlement lines: they balance in every mode and cause, charge the price and never more than the cap."""

from datetime import UTC, datetime
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


def team(mode: PaymentMode, fill: int, state: TeamState = TeamState.FORMED) -> Team:
    totals = Totals(fill, fill)
    return Team(CAMPAIGN, TEAM, PLATFORM, "orchard", mode, 1, state, 9, totals, fill, 8, ended_version=9)


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


def job(cause: Cause, *, seat_id: UUID | None = None, amount: int = 0) -> Job:
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
        amount=amount,
        payment_reference="pay-late" if seat_id else "",
    )


def line(mode: PaymentMode, cause: Cause, fill: int = 3, **of_seat: int) -> SettlementLine:
    single = cause in {Cause.SEAT_LEFT, Cause.LATE_PAYMENT}
    what = seat(**of_seat)
    lines, after = settle(
        team(mode, fill),
        TABLE,
        job(cause, seat_id=SEAT if single else None, amount=what.committed if single else 0),
        [(ids.derived_id(SEAT, EVENT), what)],
    )
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


@pytest.mark.parametrize("cause", [Cause.TEAM_FAILED, Cause.SEAT_LEFT, Cause.LATE_PAYMENT])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PaymentMode.COMMIT, Amounts()),
        (PaymentMode.PAY_ON_DELIVERY, Amounts()),
        (PaymentMode.HOLD, Amounts(authorised=6980, to_void=6980)),
        (PaymentMode.PREPAID, Amounts(paid=6980, to_refund=6980)),
    ],
)
def test_otherwise_everything_goes_back(cause: Cause, mode: PaymentMode, expected: Amounts) -> None:
    made = line(mode, cause)
    assert made.unit_price == 0
    assert made.amounts == expected
    assert made.payment_reference == ("pay-1" if cause is Cause.TEAM_FAILED else "pay-late")


@given(
    st.sampled_from(PaymentMode),
    st.sampled_from(Cause),
    st.integers(0, 10),
    st.integers(0, 10**12),
    st.integers(1, 1000),
)
def test_every_line_balances_and_charges_at_most_the_cap(
    mode: PaymentMode, cause: Cause, fill: int, cap: int, quantity: int
) -> None:
    made = line(mode, cause, fill, cap=cap, quantity=quantity)
    amounts = made.amounts
    assert amounts.authorised == amounts.to_capture + amounts.to_void
    assert amounts.paid == amounts.to_keep + amounts.to_refund
    assert amounts.authorised + amounts.paid == (cap * quantity if mode in {"HOLD", "PREPAID"} else 0)
    charged = amounts.to_capture + amounts.to_keep + amounts.due
    assert charged == made.unit_price * quantity <= cap * quantity
    if cause is Cause.TEAM_FORMED:
        assert made.unit_price == min(cap, 3990 if fill < 2 else 3490 if fill < 3 else 2990)
    else:
        assert charged == 0


@pytest.mark.parametrize(
    "amounts",
    [
        {"authorised": 10, "to_capture": 5, "to_void": 4},
        {"paid": 10, "to_keep": 5, "to_refund": 6},
        {"paid": 10, "to_keep": 11, "to_refund": -1},
        {"due": -1},
    ],
)
def test_amounts_that_do_not_balance_cannot_be_made(amounts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="settlement line"):
        Amounts(**amounts)


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
