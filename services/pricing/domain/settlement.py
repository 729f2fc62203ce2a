"""What a seat owes or gets back for one cause, in each payment mode; a line that does not balance cannot be made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.price import PriceTable, payable
from services.pricing.domain.team import PaymentMode, Seat, Team


class Cause(StrEnum):
    """Why a settlement line exists."""

    TEAM_FORMED = "TEAM_FORMED"
    TEAM_FAILED = "TEAM_FAILED"
    SEAT_LEFT = "SEAT_LEFT"
    LATE_PAYMENT = "LATE_PAYMENT"


@dataclass(frozen=True, slots=True)
class Job:
    """Lines to be made for one cause: of every confirmed seat of a team, or of one seat and the money it brought.

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
    amount: int = 0
    payment_reference: str = ""

    @property
    def finished(self) -> bool:
        """Whether every line was made."""
        return self.done == self.lines


@dataclass(frozen=True, slots=True)
class Amounts:
    """The money of a line, minor units. Source: payment modes in the proto's SettlementLine."""

    authorised: int = 0
    paid: int = 0
    to_capture: int = 0
    to_void: int = 0
    to_keep: int = 0
    to_refund: int = 0
    due: int = 0

    def __post_init__(self) -> None:
        if self.authorised != self.to_capture + self.to_void or self.paid != self.to_keep + self.to_refund:
            raise ValueError(f"a settlement line does not balance: {self}")
        if min(self.to_capture, self.to_void, self.to_keep, self.to_refund, self.due) < 0:
            raise ValueError(f"a settlement line has an amount below zero: {self}")


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """What one seat owes or gets back for one cause; unit price and cap in minor units of `currency`."""

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    sequence: int
    line_id: UUID
    team_version: int
    at: datetime
    cause: Cause
    cause_event_id: UUID
    seat_id: UUID
    member_id: str
    merchant_id: str
    sku: str
    quantity: int
    currency: str
    cap: int
    unit_price: int
    amounts: Amounts
    payment_reference: str

    def __post_init__(self) -> None:
        amounts = self.amounts
        if self.unit_price > self.cap:
            raise ValueError(f"a settlement line charges above the cap: {self}")
        if amounts.to_capture + amounts.to_keep + amounts.due != self.unit_price * self.quantity:
            raise ValueError(f"a settlement line does not charge its price: {self}")


def final_price(team: Team, table: PriceTable, seat: Seat) -> int:
    """Tell what one unit of a seat costs at the team's fill, minor units; KeyError where the table lacks its row."""
    row = table.row(seat.sku, seat.role)
    if row is None:
        raise KeyError((seat.sku, seat.role))
    return payable(row.at(team.fill).unit_price, seat.cap)


def divide(mode: PaymentMode, brought: int, charged: int) -> Amounts:
    """Divide what a seat brought into what is charged and what goes back; without a payment the charge is due."""
    if mode is PaymentMode.HOLD:
        return Amounts(authorised=brought, to_capture=charged, to_void=brought - charged)
    if mode is PaymentMode.PREPAID:
        return Amounts(paid=brought, to_keep=charged, to_refund=brought - charged)
    return Amounts(due=charged)


def settle(
    team: Team, table: PriceTable, job: Job, seats: Sequence[tuple[UUID, Seat]]
) -> tuple[list[SettlementLine], Job]:
    """Make the next lines of a job, of seats given with their line's id in the order they were taken."""
    lines = [
        _line(team, table, job, seat, line_id, job.first_sequence + job.done + index)
        for index, (line_id, seat) in enumerate(seats)
    ]
    after = seats[-1][1].number if seats else job.after_number
    return lines, replace(job, done=job.done + len(lines), after_number=after)


def _line(team: Team, table: PriceTable, job: Job, seat: Seat, line_id: UUID, sequence: int) -> SettlementLine:
    unit_price = final_price(team, table, seat) if job.cause is Cause.TEAM_FORMED else 0
    brought = seat.committed if job.seat_id is None else job.amount
    return SettlementLine(
        campaign_id=team.campaign_id,
        team_id=team.team_id,
        platform_id=team.platform_id,
        sequence=sequence,
        line_id=line_id,
        team_version=job.version,
        at=job.at,
        cause=job.cause,
        cause_event_id=job.cause_event_id,
        seat_id=seat.seat_id,
        member_id=seat.member_id,
        merchant_id=team.merchant_id,
        sku=seat.sku,
        quantity=seat.quantity,
        currency=table.currency,
        cap=seat.cap,
        unit_price=unit_price,
        amounts=divide(team.payment_mode, brought, unit_price * seat.quantity),
        payment_reference=seat.payment_reference if job.seat_id is None else job.payment_reference,
    )
