"""What a platform reports about a settlement line, and how far the line is with it; its amounts never change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.settlement import SettlementLine


class ReportKind(StrEnum):
    """What a platform did."""

    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    REFUNDED = "REFUNDED"
    PAID = "PAID"
    FAILED = "FAILED"


class LineState(StrEnum):
    """How far a line is."""

    OPEN = "OPEN"
    PARTLY = "PARTLY"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a platform says it did about a line; the amount is in minor units of `currency`."""

    line_id: UUID
    kind: ReportKind
    amount: int
    currency: str
    reference: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was accepted. `state` is the line's with it; `failed_kind` is what failed, where something did."""

    report_id: UUID
    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    line_id: UUID
    seat_id: UUID
    member_id: str
    sequence: int
    team_version: int
    kind: ReportKind
    failed_kind: ReportKind | None
    amount: int
    currency: str
    reference: str
    reason: str
    state: LineState
    at: datetime

    @property
    def step(self) -> ReportKind:
        """What it is about: what was done, or what failed."""
        return self.failed_kind or self.kind

    @property
    def fails_capture(self) -> bool:
        """Whether a capture failed: the member may pay in another way."""
        return self.failed_kind is ReportKind.CAPTURED


class _Step(StrEnum):
    """What a line may ask for; each is done by one report."""

    CHARGE = "CHARGE"
    VOID = "VOID"
    REFUND = "REFUND"


_OF_KIND = {
    ReportKind.CAPTURED: _Step.CHARGE,
    ReportKind.PAID: _Step.CHARGE,
    ReportKind.VOIDED: _Step.VOID,
    ReportKind.REFUNDED: _Step.REFUND,
}


def line_state(line: SettlementLine, reports: Sequence[Report]) -> LineState:
    """Tell how far a line is, by all its reports in order."""
    asked, failed = _asked(line), _failed(line, reports)
    if failed:
        return LineState.FAILED
    done = _done(line, reports)
    if set(asked) <= done:
        return LineState.DONE
    return LineState.PARTLY if done else LineState.OPEN


def open_amount(line: SettlementLine, reports: Sequence[Report], kind: ReportKind) -> int:
    """Tell what a report of a kind must say about a line, minor units; 0 where nothing of that kind is open.

    A capture that failed may be paid in another way. What is voided may have been captured, and what is due no longer
    may have been paid: then it is paid back.
    """
    step = failing_step(line, reports)
    if kind is ReportKind.FAILED:
        return _amounts(line).get(step, 0) if step else 0
    for candidate, amount in _candidates(line, reports, kind):
        if candidate not in _done(line, reports):
            return amount
    return 0


def failing_step(line: SettlementLine, reports: Sequence[Report]) -> ReportKind | None:
    """Tell what a report FAILED is about: the first that the line asks for and that is not done."""
    done = _done(line, reports)
    for step, kind, amount in _wanted(line):
        if amount > 0 and step not in done:
            return kind
    return None


def _wanted(line: SettlementLine) -> tuple[tuple[_Step, ReportKind, int], ...]:
    amounts = line.amounts
    return (
        (_Step.CHARGE, ReportKind.CAPTURED, amounts.to_capture),
        (_Step.CHARGE, ReportKind.PAID, amounts.due),
        (_Step.REFUND, ReportKind.REFUNDED, amounts.to_refund),
        (_Step.VOID, ReportKind.VOIDED, amounts.to_void),
    )


def _amounts(line: SettlementLine) -> dict[ReportKind, int]:
    return {kind: amount for _, kind, amount in _wanted(line) if amount > 0}


def _asked(line: SettlementLine) -> dict[_Step, int]:
    return {step: amount for step, _, amount in _wanted(line) if amount > 0}


def _candidates(line: SettlementLine, reports: Sequence[Report], kind: ReportKind) -> list[tuple[_Step, int]]:
    """List what a kind can be about in a line, the most direct first."""
    amounts = line.amounts
    found = [(_OF_KIND[kind], _amounts(line).get(kind, 0))]
    if kind is ReportKind.PAID and any(item.failed_kind is ReportKind.CAPTURED for item in reports):
        found.append((_Step.CHARGE, amounts.to_capture))
    if kind is ReportKind.REFUNDED and line.quantity < 0:
        found += [(_Step.VOID, amounts.to_void), (_Step.REFUND, -amounts.due)]
    return [(step, amount) for step, amount in found if amount > 0]


def _done(line: SettlementLine, reports: Sequence[Report]) -> set[_Step]:
    done: set[_Step] = set()
    for item in reports:
        if item.kind is ReportKind.REFUNDED and not line.amounts.to_refund > 0 and line.amounts.to_void > 0:
            done.add(_Step.VOID)
        elif item.kind is not ReportKind.FAILED:
            done.add(_OF_KIND[item.kind])
    return done


def _failed(line: SettlementLine, reports: Sequence[Report]) -> bool:
    done = _done(line, reports)
    return any(item.failed_kind and _OF_KIND[item.failed_kind] not in done for item in reports)
