"""Teams and seats as pricing knows them from team_formation's events, and those events as values."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.pricing.domain.price import Basis, PriceTable, Role


class PaymentMode(StrEnum):
    """What a member commits to before the team is formed, and how the money moves after."""

    COMMIT = "COMMIT"
    HOLD = "HOLD"
    PREPAID = "PREPAID"
    PAY_ON_DELIVERY = "PAY_ON_DELIVERY"


class TeamState(StrEnum):
    """The life of a team."""

    FORMING = "FORMING"
    TIPPED = "TIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"

    @property
    def is_open(self) -> bool:
        """Whether its price can still change."""
        return self in {TeamState.FORMING, TeamState.TIPPED}


class SeatState(StrEnum):
    """The life of a seat."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"


class ReleaseReason(StrEnum):
    """Why a seat was given back."""

    EXPIRED = "EXPIRED"
    LEFT = "LEFT"
    TEAM_FAILED = "TEAM_FAILED"


class FactKind(StrEnum):
    """What team_formation tells of a team."""

    TEAM_OPENED = "TeamOpened"
    SEAT_HELD = "SeatHeld"
    SEAT_CONFIRMED = "SeatConfirmed"
    SEAT_RELEASED = "SeatReleased"
    TEAM_TIPPED = "TeamTipped"
    TEAM_UNTIPPED = "TeamUntipped"
    TEAM_FORMED = "TeamFormed"
    TEAM_FAILED = "TeamFailed"
    LATE_PAYMENT_REPORTED = "LatePaymentReported"


@dataclass(frozen=True, slots=True)
class Totals:
    """What fills a team, counted in members and in units."""

    confirmed_members: int = 0
    confirmed_units: int = 0
    held_members: int = 0
    held_units: int = 0

    def plus(self, state: SeatState | None, quantity: int, sign: int = 1) -> "Totals":
        """Count a seat in (or out, with sign -1)."""
        members, units = sign, sign * quantity
        if state is SeatState.HELD:
            return replace(self, held_members=self.held_members + members, held_units=self.held_units + units)
        if state is SeatState.CONFIRMED:
            return replace(
                self,
                confirmed_members=self.confirmed_members + members,
                confirmed_units=self.confirmed_units + units,
            )
        return self

    def fill(self, basis: Basis) -> int:
        """Tell the confirmed fill in a ladder's basis."""
        return self.confirmed_members if basis is Basis.TEAM_MEMBERS else self.confirmed_units


@dataclass(frozen=True, slots=True)
class Seat:
    """One member's place; the cap is per unit, in minor units of the team's currency."""

    campaign_id: UUID
    seat_id: UUID
    team_id: UUID
    platform_id: UUID
    member_id: str
    sku: str
    role: Role
    quantity: int
    cap: int
    cap_fill: int
    state: SeatState
    release_reason: ReleaseReason | None = None
    payment_reference: str = ""
    number: int = 0
    """The team's version at which it was first held: the order seats were taken in."""

    @property
    def committed(self) -> int:
        """What was paid, authorised or promised for a confirmed seat: cap times quantity, minor units."""
        return self.cap * self.quantity


@dataclass(frozen=True, slots=True)
class Team:
    """People buying together, at the last version seen."""

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    merchant_id: str
    payment_mode: PaymentMode
    ladder_version: int
    state: TeamState
    version: int
    totals: Totals
    fill: int
    """Fill that prices are read at: the confirmed fill, kept as it was when the team ended."""
    fill_version: int
    """Version that set the fill."""
    ended_version: int | None = None
    price_sequence: int = 0
    settlement_sequence: int = 0
    """Settlement events that were told or are promised to a job."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What TeamOpened carries."""

    merchant_id: str
    payment_mode: PaymentMode
    table: PriceTable


@dataclass(frozen=True, slots=True)
class TeamFact:
    """One event of a team. The seat is as it stands after the fact; amounts are in minor units of `currency`."""

    kind: FactKind
    event_id: UUID
    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    version: int
    at: datetime
    totals: Totals
    state: TeamState
    currency: str = ""
    opened: Opened | None = None
    seat: Seat | None = None
    previous_state: SeatState | None = None
    amount: int = 0
    payment_reference: str = ""
    after_expiry: bool = False
    totals_at_end: Totals | None = None


def seat_now(seat: Seat, team: Team) -> Seat:
    """Give a seat as it stands: when a team fails, that one fact releases every confirmed seat."""
    if team.state is TeamState.FAILED and seat.state is SeatState.CONFIRMED:
        return replace(seat, state=SeatState.RELEASED, release_reason=ReleaseReason.TEAM_FAILED)
    return seat
