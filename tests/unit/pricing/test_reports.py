"""What may be reported about a settlement line, and how far the line is then."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.pricing.domain import (
    Amounts,
    Cause,
    LineState,
    Report,
    ReportKind,
    SeatAccount,
    SettlementLine,
    failing_step,
    line_state,
    open_amounts,
)

CAPTURED, VOIDED, REFUNDED, PAID, FAILED = ReportKind
AT = datetime(2026, 11, 21, tzinfo=UTC)
ID = UUID(int=1)


def a_line(quantity: int = 2, unit_price: int = 2990, **amounts: int) -> SettlementLine:
    money = Amounts(**amounts)
    return SettlementLine(
        ID, ID, ID, 1, ID, 9, AT, Cause.TEAM_FORMED, ID, ID, "tom", "orchard", "mango", quantity, "EUR", 3490,
        unit_price, money, "pay-1",
    )  # fmt: skip


def reports(line: SettlementLine, *kinds: ReportKind) -> SeatAccount:
    """Report these kinds one after the other about the only line of a seat."""
    account = SeatAccount((line,), {})
    for number, kind in enumerate(kinds):
        [amount] = open_amounts(line, account, kind)
        assert amount > 0
        failed = failing_step(line, account) if kind is FAILED else None
        account = account.with_report(
            Report(
                ID,
                ID,
                ID,
                ID,
                ID,
                ID,
                "tom",
                number + 1,
                9,
                kind,
                failed,
                amount,
                "EUR",
                f"ref-{number}",
                "",
                LineState.OPEN,
                AT,
            )
        )
    return account


HOLD = a_line(authorised=6980, to_capture=5980, to_void=1000)
PREPAID = a_line(paid=6980, to_keep=5980, to_refund=1000)
COMMIT = a_line(due=5980)
TAKEN_BACK = a_line(-2, to_capture=-5980, to_void=5980)
DUE_NO_LONGER = a_line(-2, due=-5980)


@pytest.mark.parametrize(
    ("line", "kinds", "state"),
    [
        (HOLD, (), LineState.OPEN),
        (HOLD, (CAPTURED,), LineState.PARTLY),
        (HOLD, (CAPTURED, VOIDED), LineState.DONE),
        (HOLD, (FAILED,), LineState.FAILED),
        (HOLD, (FAILED, CAPTURED), LineState.PARTLY),
        (HOLD, (FAILED, PAID, VOIDED), LineState.DONE),
        (HOLD, (VOIDED, FAILED), LineState.FAILED),
        (PREPAID, (REFUNDED,), LineState.DONE),
        (PREPAID, (FAILED,), LineState.FAILED),
        (PREPAID, (FAILED, REFUNDED), LineState.DONE),
        (COMMIT, (), LineState.OPEN),
        (COMMIT, (PAID,), LineState.DONE),
        (TAKEN_BACK, (REFUNDED,), LineState.DONE),
        (TAKEN_BACK, (VOIDED,), LineState.DONE),
        (DUE_NO_LONGER, (), LineState.DONE),
        (DUE_NO_LONGER, (REFUNDED,), LineState.DONE),
    ],
)
def test_the_state_follows_the_reports(line: SettlementLine, kinds: tuple[ReportKind, ...], state: LineState) -> None:
    assert line_state(line, reports(line, *kinds)) is state


@pytest.mark.parametrize(
    ("line", "before", "kind", "amount"),
    [
        (HOLD, (), CAPTURED, 5980),
        (HOLD, (), VOIDED, 1000),
        (HOLD, (), REFUNDED, 0),
        (HOLD, (), PAID, 0),
        (HOLD, (), FAILED, 5980),
        (HOLD, (FAILED,), PAID, 5980),
        (HOLD, (FAILED, PAID), CAPTURED, 0),
        (HOLD, (CAPTURED,), CAPTURED, 0),
        (HOLD, (CAPTURED,), FAILED, 1000),
        (HOLD, (CAPTURED, VOIDED), FAILED, 0),
        (PREPAID, (), FAILED, 1000),
        (PREPAID, (), CAPTURED, 0),
        (COMMIT, (), FAILED, 5980),
        (TAKEN_BACK, (VOIDED,), REFUNDED, 0),
        (DUE_NO_LONGER, (), PAID, 0),
        (DUE_NO_LONGER, (), REFUNDED, 5980),
        (DUE_NO_LONGER, (REFUNDED,), REFUNDED, 0),
        (DUE_NO_LONGER, (), FAILED, 0),
    ],
)
def test_a_report_says_exactly_what_the_line_asks_for(
    line: SettlementLine, before: tuple[ReportKind, ...], kind: ReportKind, amount: int
) -> None:
    assert open_amounts(line, reports(line, *before), kind) == ((amount,) if amount else ())
