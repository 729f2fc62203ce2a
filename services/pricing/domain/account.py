"""What is open of a seat's settlement lines, by all of them and by all that was reported; docs/settlement.md says it.

What later lines took back of a charge is not asked for any more, unless it was paid and paid back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from services.pricing.domain.job import Cause
from services.pricing.domain.report import LineState, Report, ReportKind
from services.pricing.domain.settlement import SettlementLine


@dataclass(frozen=True, slots=True)
class SeatAccount:
    """All lines of one seat in the order of their numbers, and what was reported about each, in order."""

    lines: tuple[SettlementLine, ...]
    reports: Mapping[UUID, tuple[Report, ...]]

    def about(self, line: SettlementLine) -> tuple[Report, ...]:
        """Give what was reported about a line."""
        return self.reports.get(line.line_id, ())

    def with_report(self, report: Report) -> "SeatAccount":
        """Add what is reported."""
        known = self.reports.get(report.line_id, ())
        return replace(self, reports={**self.reports, report.line_id: (*known, report)})


class _Step(StrEnum):
    """What a line may ask for; each is done by one report."""

    CHARGE = "CHARGE"
    VOID = "VOID"
    REFUND = "REFUND"


class _Asked(NamedTuple):
    """What a line asks for, minor units, and what reports that it was done."""

    step: _Step
    kind: ReportKind
    amount: int


_OF_KIND = {
    ReportKind.CAPTURED: _Step.CHARGE,
    ReportKind.PAID: _Step.CHARGE,
    ReportKind.VOIDED: _Step.VOID,
    ReportKind.REFUNDED: _Step.REFUND,
}


def line_state(line: SettlementLine, account: SeatAccount) -> LineState:
    """Tell how far a line is; what was taken back before it was done is not asked for."""
    done = _done(line, account)
    asked = {item.step for item in _asked(line, account) if item.step in done or _left(line, account, item) > 0}
    if any(_OF_KIND[kind] in asked - done for kind in _failed(line, account)):
        return LineState.FAILED
    if asked <= done:
        return LineState.DONE
    return LineState.PARTLY if done else LineState.OPEN


def open_amounts(line: SettlementLine, account: SeatAccount, kind: ReportKind) -> tuple[int, ...]:
    """Tell what a report of a kind may say about a line, minor units, what is open now first; empty: nothing is.

    What was charged before units were given back may be more: as much as was open then. A capture that failed may be
    paid in another way. What is voided may have been captured, and what is due no longer may have been paid: then it
    is paid back.
    """
    if kind is ReportKind.FAILED:
        failing = _failing(line, account)
        return _open(line, account, failing) if failing else ()
    done = _done(line, account)
    for item in _candidates(line, account, kind):
        if item.step not in done:
            return _open(line, account, item)
    return ()


def failing_step(line: SettlementLine, account: SeatAccount) -> ReportKind | None:
    """Tell what a report FAILED is about: the first that the line asks for and that is not done."""
    failing = _failing(line, account)
    return failing.kind if failing else None


def charge_left(line: SettlementLine, account: SeatAccount) -> int:
    """Tell how much of what a line charges was not taken back, minor units."""
    amount = line.amounts.to_capture + line.amounts.due
    return _left(line, account, _Asked(_Step.CHARGE, ReportKind.PAID, amount))


def _failing(line: SettlementLine, account: SeatAccount) -> _Asked | None:
    done = _done(line, account)
    wanted = _asked(line, account)
    return next((item for item in wanted if item.step not in done and _left(line, account, item) > 0), None)


def _asked(line: SettlementLine, account: SeatAccount) -> list[_Asked]:
    amounts = line.amounts
    paid_for_nothing = -amounts.due if _is_paid_back(line, account) else 0
    wanted = (
        _Asked(_Step.CHARGE, ReportKind.CAPTURED, amounts.to_capture),
        _Asked(_Step.CHARGE, ReportKind.PAID, amounts.due),
        _Asked(_Step.REFUND, ReportKind.REFUNDED, amounts.to_refund),
        _Asked(_Step.REFUND, ReportKind.REFUNDED, paid_for_nothing),
        _Asked(_Step.VOID, ReportKind.VOIDED, amounts.to_void),
    )
    return [item for item in wanted if item.amount > 0]


def _candidates(line: SettlementLine, account: SeatAccount, kind: ReportKind) -> list[_Asked]:
    """List what a kind can be about in a line, the most direct first."""
    amounts = line.amounts
    found = [item for item in _asked(line, account) if item.kind is kind]
    if kind is ReportKind.PAID and ReportKind.CAPTURED in _failed(line, account):
        found.append(_Asked(_Step.CHARGE, kind, amounts.to_capture))
    if kind is ReportKind.REFUNDED and line.quantity < 0 and not _is_left_out(line, account):
        found += [_Asked(_Step.VOID, kind, amounts.to_void), _Asked(_Step.REFUND, kind, -amounts.due)]
    return [item for item in found if item.amount > 0]


def _open(line: SettlementLine, account: SeatAccount, asked: _Asked) -> tuple[int, ...]:
    """List what may be said about a step: all but what was taken back since, all of it or its first parts."""
    sums = accumulate((amount for _, amount in _taken_back(line, account, asked.step)), initial=0)
    return tuple(asked.amount - less for less in reversed(list(sums)) if asked.amount > less)


def _left(line: SettlementLine, account: SeatAccount, asked: _Asked) -> int:
    return asked.amount - sum(amount for _, amount in _taken_back(line, account, asked.step))


def _taken_back(line: SettlementLine, account: SeatAccount, step: _Step) -> Iterator[tuple[SettlementLine, int]]:
    """Give the lines that took a part of a step back, in order; one that was paid back had been charged."""
    if line.cause is not Cause.TEAM_FORMED:
        return
    for later in account.lines:
        amount = _less(later, step)
        if amount <= 0 or later.sequence <= line.sequence:
            continue
        if step is not _Step.CHARGE or not _was_paid_back(later, account):
            yield later, amount


def _less(later: SettlementLine, step: _Step) -> int:
    amounts = later.amounts
    if step is _Step.CHARGE:
        return -amounts.to_capture - amounts.due
    return -amounts.to_refund if step is _Step.REFUND else 0


def _was_paid_back(line: SettlementLine, account: SeatAccount) -> bool:
    return any(item.kind is ReportKind.REFUNDED for item in account.about(line))


def _is_left_out(line: SettlementLine, account: SeatAccount) -> bool:
    """Tell whether a payment that was reported is less what a line takes back: it was never paid."""
    charge = _charged(line, account)
    if charge is None:
        return False
    formed, amount = charge
    missing = formed.amounts.to_capture + formed.amounts.due - amount
    for later, less in _taken_back(formed, account, _Step.CHARGE):
        if missing <= 0:
            return False
        if later.line_id == line.line_id:
            return True
        missing -= less
    return False


def _is_paid_back(line: SettlementLine, account: SeatAccount) -> bool:
    """Tell whether what is due no longer was paid; a payment that did not come, whatever was said before, was none."""
    charge = _charge(line, account)
    if line.amounts.due >= 0 or charge is None:
        return False
    if line.cause is Cause.SEAT_DEFAULTED:
        return charge[1].sequence > line.sequence  # it came after all, for a seat that is gone
    return not _is_left_out(line, account)


def _charged(line: SettlementLine, account: SeatAccount) -> tuple[SettlementLine, int] | None:
    """Find what was reported as paid or captured of the charge that a line takes back a part of."""
    charge = _charge(line, account)
    return (charge[0], charge[1].amount) if charge else None


def _charge(line: SettlementLine, account: SeatAccount) -> tuple[SettlementLine, Report] | None:
    """Find the line whose charge another one takes back a part of, and the report that it was paid or captured."""
    if line.amounts.charged >= 0:
        return None
    for formed in account.lines:
        if formed.cause is Cause.TEAM_FORMED and formed.sequence < line.sequence:
            for report in account.about(formed):
                if _OF_KIND.get(report.kind) is _Step.CHARGE:
                    return formed, report
    return None


def _done(line: SettlementLine, account: SeatAccount) -> set[_Step]:
    done: set[_Step] = set()
    for item in account.about(line):
        if item.kind is ReportKind.REFUNDED and not line.amounts.to_refund > 0 and line.amounts.to_void > 0:
            done.add(_Step.VOID)
        elif item.kind is not ReportKind.FAILED:
            done.add(_OF_KIND[item.kind])
    return done


def _failed(line: SettlementLine, account: SeatAccount) -> set[ReportKind]:
    return {item.failed_kind for item in account.about(line) if item.failed_kind}
