"""What a platform reports about a settlement line, and how far the line may be with it; account.py tells how far."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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
