"""What a seat owes or gets back for one cause, in each payment mode; a line that does not balance cannot be made.

docs/settlement.md has the table of causes and modes, and says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.pricing.domain.job import Cause, Job
from services.pricing.domain.price import PriceTable, payable
from services.pricing.domain.team import PaymentMode, Seat, Team


@dataclass(frozen=True, slots=True)
class Amounts:
    """The money of a line, minor units: what is charged and what goes back, or what is no longer charged.

    Source: payment modes in the proto's SettlementLine.
    """

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
        charges = min(self.to_capture, self.to_void, self.to_keep, self.to_refund, self.due) >= 0
        takes_back = max(self.paid, self.to_capture, self.to_keep, self.due) <= 0 == self.authorised
        if not (charges or takes_back):
            raise ValueError(f"a settlement line has an amount below zero: {self}")

    @property
    def charged(self) -> int:
        """What the seat pays by this line, in whichever way."""
        return self.to_capture + self.to_keep + self.due


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
    """Units; below zero where it takes back what was charged for them."""
    currency: str
    cap: int
    unit_price: int
    amounts: Amounts
    payment_reference: str
    tally_seq: int = 0
    """Tally the price was read at, zero or not, where the whole campaign fills the ladder and the line has a price."""
    pay_by: datetime | None = None
    """By when what is due has to be paid; None where nothing is due, or nobody said by when."""

    def __post_init__(self) -> None:
        if not 0 <= self.unit_price <= self.cap:
            raise ValueError(f"a settlement line charges above the cap or below zero: {self}")
        if self.amounts.charged != self.unit_price * self.quantity:
            raise ValueError(f"a settlement line does not charge its price: {self}")


def final_price(team: Team, table: PriceTable, seat: Seat) -> int:
    """Tell what one unit of a seat costs at the team's fill, minor units; KeyError where the table lacks its row."""
    row = table.row(seat.sku, seat.role)
    if row is None:
        raise KeyError((seat.sku, seat.role))
    return payable(seat.price(row, team.fill), seat.cap)


def divide(mode: PaymentMode, brought: int, charged: int) -> Amounts:
    """Divide what a seat brought into what is charged and what goes back; without a payment the charge is due."""
    if mode is PaymentMode.HOLD:
        return Amounts(authorised=brought, to_capture=charged, to_void=brought - charged)
    if mode is PaymentMode.PREPAID:
        return Amounts(paid=brought, to_keep=charged, to_refund=brought - charged)
    return Amounts(due=charged)


def take_back(mode: PaymentMode, charged: int) -> Amounts:
    """Take back what was charged when the team formed: it is captured, kept or due no longer."""
    if mode is PaymentMode.HOLD:
        return Amounts(to_capture=-charged, to_void=charged)
    if mode is PaymentMode.PREPAID:
        return Amounts(to_keep=-charged, to_refund=charged)
    return Amounts(due=-charged)


def write_off(mode: PaymentMode, brought: int, charged: int) -> Amounts:
    """Expect nothing more where the money did not come; of a payment that was none, nothing goes back either."""
    if mode is PaymentMode.PREPAID:
        return Amounts(paid=-brought, to_keep=-charged, to_refund=charged - brought)
    return take_back(mode, charged)


_ALL_LEFT: Mapping[UUID, int] = {}


def settle(
    team: Team,
    table: PriceTable,
    job: Job,
    seats: Sequence[tuple[UUID, Seat]],
    left: Mapping[UUID, int] = _ALL_LEFT,
) -> tuple[list[SettlementLine], Job]:
    """Make the next lines of a job, of seats given with their line's id in the order they were taken.

    The seats may have changed since the job's cause, and the team too: what they were then is in the job and in the
    seats' `formed_quantity`. `left` are units of seats of which some were refused at the door: no more is taken back.
    """
    lines = [
        _line(team, table, job, seat, line_id, job.first_sequence + job.done + index, left)
        for index, (line_id, seat) in enumerate(seats)
    ]
    after = seats[-1][1].number if seats else job.after_number
    return lines, replace(job, done=job.done + len(lines), after_number=after)


def _line(
    team: Team, table: PriceTable, job: Job, seat: Seat, line_id: UUID, sequence: int, left: Mapping[UUID, int]
) -> SettlementLine:
    quantity, unit_price, amounts = _settled(team, table, job, seat, left)
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
        quantity=quantity,
        currency=table.currency,
        cap=seat.cap,
        unit_price=unit_price,
        amounts=amounts,
        payment_reference=seat.payment_reference if job.seat_id is None else job.payment_reference,
        tally_seq=team.tally_seq if job.cause is Cause.TEAM_FORMED or quantity < 0 else 0,
    )


def _settled(team: Team, table: PriceTable, job: Job, seat: Seat, left: Mapping[UUID, int]) -> tuple[int, int, Amounts]:
    """Tell quantity, unit price and amounts of a line."""
    mode, units = team.payment_mode, _units(job, seat)
    brought = seat.cap * units if job.seat_id is None else job.amount
    if job.cause is Cause.TEAM_FORMED:
        price = final_price(team, table, seat)
        return units, price, divide(mode, brought, price * units)
    if job.cause is not Cause.LATE_PAYMENT and _after_formed(team, job):
        price = final_price(team, table, seat)
        units = min(units, left.get(seat.seat_id, units))
        if job.cause is Cause.SEAT_DEFAULTED:
            return -units, price, write_off(mode, brought, price * units)
        return -units, price, take_back(mode, price * units)
    if job.cause is Cause.SEAT_DEFAULTED and mode is PaymentMode.PREPAID:
        brought = 0
    return units, 0, divide(mode, brought, 0)


def _units(job: Job, seat: Seat) -> int:
    if job.seat_id is not None:
        return job.units
    if job.cause is Cause.TEAM_FORMED and seat.formed_quantity is not None:
        return seat.formed_quantity
    return seat.quantity


def _after_formed(team: Team, job: Job) -> bool:
    return team.formed_version is not None and job.version > team.formed_version
