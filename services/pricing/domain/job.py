"""Which settlement lines an event causes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.fact import FactKind, TeamFact
from services.pricing.domain.team import Seat, SeatState, Team, TeamState


class Cause(StrEnum):
    """Why a settlement line exists."""

    TEAM_FORMED = "TEAM_FORMED"
    TEAM_FAILED = "TEAM_FAILED"
    SEAT_LEFT = "SEAT_LEFT"
    LATE_PAYMENT = "LATE_PAYMENT"
    SEAT_REDUCED = "SEAT_REDUCED"
    SEAT_WITHDRAWN = "SEAT_WITHDRAWN"
    SEAT_DEFAULTED = "SEAT_DEFAULTED"
    TEAM_CANCELLED = "TEAM_CANCELLED"
    DELIVERY_REFUSED = "DELIVERY_REFUSED"


@dataclass(frozen=True, slots=True)
class Job:
    """Lines to be made for one cause: of every confirmed seat of a team that pays, or of one seat.

    The numbers of its events are promised when it begins, so that they do not depend on when its chunks are worked off.
    """

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    version: int
    cause: Cause
    cause_event_id: UUID
    at: datetime
    first_sequence: int
    lines: int
    done: int = 0
    after_number: int = 0
    """Number of the last seat that has its line."""
    seat_id: UUID | None = None
    units: int = 0
    """Units of the one seat that it is about."""
    amount: int = 0
    """What the one seat brought for these units, minor units."""
    payment_reference: str = ""

    @property
    def finished(self) -> bool:
        """Whether every line was made."""
        return self.done == self.lines


_ENDS = {
    FactKind.TEAM_FORMED: Cause.TEAM_FORMED,
    FactKind.TEAM_FAILED: Cause.TEAM_FAILED,
    FactKind.TEAM_CANCELLED: Cause.TEAM_CANCELLED,
}
_GIVES_BACK = {
    FactKind.SEAT_RELEASED: Cause.SEAT_LEFT,
    FactKind.SEAT_REDUCED: Cause.SEAT_REDUCED,
    FactKind.SEAT_DEFAULTED: Cause.SEAT_DEFAULTED,
}


def job_of(before: Team, seat: Seat | None, fact: TeamFact) -> Job | None:
    """Tell which lines an event causes, if any; `before` and `seat` are the team and the seat before it."""
    if fact.kind in _ENDS:
        lines = before.totals.paying_members
        return _job(before, fact, _ENDS[fact.kind], lines) if lines else None
    if fact.kind is FactKind.LATE_PAYMENT_REPORTED and fact.seat:
        return _job(
            before, fact, Cause.LATE_PAYMENT, 1, fact.seat, fact.seat.quantity, fact.amount, fact.payment_reference
        )
    if fact.kind is FactKind.SEAT_CONFIRMED and before.state is TeamState.FORMED and seat:
        # its team has formed: what it owes is final at once, and the cause of its line is its own event
        return _job(before, fact, Cause.TEAM_FORMED, 1, seat, seat.quantity, fact.amount, fact.payment_reference)
    if fact.kind not in _GIVES_BACK or seat is None or seat.sponsored or seat.state is not SeatState.CONFIRMED:
        return None
    cause = _GIVES_BACK[fact.kind]
    if cause is Cause.SEAT_LEFT and before.state is TeamState.FORMED:
        cause = Cause.SEAT_WITHDRAWN
    units = fact.units or seat.quantity
    return _job(before, fact, cause, 1, seat, units, seat.cap * units, seat.payment_reference)


def _job(
    before: Team,
    fact: TeamFact,
    cause: Cause,
    lines: int,
    seat: Seat | None = None,
    units: int = 0,
    amount: int = 0,
    payment_reference: str = "",
) -> Job:
    return Job(
        before.campaign_id,
        before.team_id,
        before.platform_id,
        fact.version,
        cause,
        fact.event_id,
        fact.at,
        first_sequence=before.settlement_sequence + 1,
        lines=lines,
        seat_id=seat.seat_id if seat else None,
        units=units,
        amount=amount,
        payment_reference=payment_reference,
    )
