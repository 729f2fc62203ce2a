"""Once nothing of a seat's lines is open, the shop has what the seat owes, in whatever order things were reported."""

from dataclasses import replace
from random import Random
from uuid import UUID

import pytest

from services.pricing.domain import (
    Cause,
    LineState,
    Report,
    ReportKind,
    SeatAccount,
    SettlementLine,
    charge_left,
    failing_step,
    line_state,
    open_amounts,
)
from tests.unit.pricing.test_reports import AT, ID, a_line

PRICE = 2990
PAID, REFUNDED, FAILED = ReportKind.PAID, ReportKind.REFUNDED, ReportKind.FAILED


def reported(line: SettlementLine, account: SeatAccount, kind: ReportKind, amount: int) -> SeatAccount:
    failed = failing_step(line, account) if kind is FAILED else None
    return account.with_report(
        Report(
            ID, ID, ID, ID, line.line_id, ID, "tom", 1, 9, kind, failed, amount, "EUR", "ref", "", LineState.OPEN, AT
        )
    )  # fmt: skip


class Shop:
    """A seat of ten units, due by its forming; units are given back and money comes, in a random order."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - the same every time
        self.units = 10
        self.account = SeatAccount((replace(a_line(10, PRICE, due=10 * PRICE), line_id=UUID(int=1)),), {})
        self.balance = 0

    def give_back(self) -> None:
        """Take back a part of what is left."""
        units = self.random.randint(1, self.units)
        self.units -= units
        number = len(self.account.lines) + 1
        line = replace(
            a_line(-units, PRICE, due=-units * PRICE), sequence=number, line_id=UUID(int=number),
            cause=self.random.choice([Cause.SEAT_REDUCED, Cause.DELIVERY_REFUSED]),
        )  # fmt: skip
        self.account = replace(self.account, lines=(*self.account.lines, line))

    def report(self, line: SettlementLine, kind: ReportKind) -> None:
        """Say something that may be said of a line, if anything."""
        if amounts := open_amounts(line, self.account, kind):
            amount = self.random.choice(amounts)
            self.account = reported(line, self.account, kind, amount)
            self.balance += {PAID: amount, REFUNDED: -amount}.get(kind, 0)

    def step(self) -> None:
        if self.units and self.random.random() < 0.4:
            self.give_back()
        else:
            self.report(self.random.choice(self.account.lines), self.random.choice([PAID, REFUNDED, FAILED]))

    def end(self) -> None:
        """Report what is still open."""
        for line in self.account.lines:
            if line_state(line, self.account) is not LineState.DONE:
                self.report(line, PAID if line.quantity > 0 else REFUNDED)
        for line in self.account.lines[1:]:
            if line_state(line, self.account) is not LineState.DONE:
                self.report(line, REFUNDED)


@pytest.mark.parametrize("seed", range(500))
def test_what_was_paid_and_not_paid_back_is_what_is_owed(seed: int) -> None:
    shop = Shop(seed)
    for _ in range(shop.random.randint(0, 12)):
        shop.step()
    shop.end()
    assert {line_state(line, shop.account) for line in shop.account.lines} == {LineState.DONE}
    assert shop.balance == shop.units * PRICE


def test_an_authorisation_is_asked_for_less_what_was_given_back() -> None:
    formed = a_line(5, PRICE, authorised=5 * 3490, to_capture=5 * PRICE, to_void=5 * 500)
    back = replace(
        a_line(-2, PRICE, to_capture=-2 * PRICE, to_void=2 * PRICE), sequence=2, line_id=UUID(int=2),
        cause=Cause.SEAT_REDUCED,
    )  # fmt: skip
    account = SeatAccount((formed, back), {})
    assert charge_left(formed, account) == 3 * PRICE
    assert open_amounts(formed, account, ReportKind.CAPTURED) == (3 * PRICE, 5 * PRICE)
    assert open_amounts(back, account, REFUNDED) == (2 * PRICE,)
    net = reported(formed, account, ReportKind.CAPTURED, 3 * PRICE)
    assert open_amounts(back, net, REFUNDED) == ()
    assert open_amounts(back, net, ReportKind.VOIDED) == (2 * PRICE,)
    whole = reported(formed, account, ReportKind.CAPTURED, 5 * PRICE)
    assert open_amounts(back, whole, REFUNDED) == (2 * PRICE,)


def test_a_refund_that_a_default_took_back_is_not_asked_for() -> None:
    formed = a_line(5, PRICE, paid=5 * 3490, to_keep=5 * PRICE, to_refund=5 * 500)
    gone = replace(
        a_line(-3, PRICE, paid=-3 * 3490, to_keep=-3 * PRICE, to_refund=-3 * 500), sequence=2, line_id=UUID(int=2),
        cause=Cause.SEAT_DEFAULTED,
    )  # fmt: skip
    account = SeatAccount((formed, gone), {})
    assert open_amounts(formed, account, REFUNDED) == (2 * 500, 5 * 500)
    assert open_amounts(gone, account, REFUNDED) == ()
    assert line_state(gone, account) is LineState.DONE


def test_a_payment_that_comes_after_the_default_is_to_be_paid_back() -> None:
    formed = a_line(5, PRICE, due=5 * PRICE)
    gone = replace(a_line(-5, PRICE, due=-5 * PRICE), sequence=2, line_id=UUID(int=2), cause=Cause.SEAT_DEFAULTED)
    account = SeatAccount((formed, gone), {})
    late = in_turn(reported(formed, account, PAID, 5 * PRICE), 3)
    assert line_state(gone, late) is LineState.OPEN
    assert open_amounts(gone, late, REFUNDED) == (5 * PRICE,)
    early = in_turn(reported(formed, account, PAID, 5 * PRICE), 1)
    assert line_state(gone, early) is LineState.DONE


def in_turn(account: SeatAccount, sequence: int) -> SeatAccount:
    """Give every report a number among the team's."""
    reports = {line: tuple(replace(one, sequence=sequence) for one in some) for line, some in account.reports.items()}
    return replace(account, reports=reports)
