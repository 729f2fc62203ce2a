"""A team and its seats as values, and the facts that change them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.team_formation.domain.campaign import CountedIn, Rules
from services.team_formation.domain.prices import Basis, Role


class TeamState(StrEnum):
    """The life of a team."""

    FORMING = "FORMING"
    TIPPED = "TIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"

    @property
    def is_open(self) -> bool:
        """Whether it can be joined."""
        return self in {TeamState.FORMING, TeamState.TIPPED}


class SeatState(StrEnum):
    """The life of a seat."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"

    @property
    def is_live(self) -> bool:
        """Whether it counts against the capacity."""
        return self is not SeatState.RELEASED


class ReleaseReason(StrEnum):
    """Why a seat was given back."""

    EXPIRED = "EXPIRED"
    LEFT = "LEFT"
    TEAM_FAILED = "TEAM_FAILED"


class FactKind(StrEnum):
    """What can happen to a team; each is one event and one version."""

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

    def plus(self, state: SeatState, quantity: int, sign: int = 1) -> "Totals":
        """Count a seat in (or out, with sign -1)."""
        if state is SeatState.HELD:
            return replace(self, held_members=self.held_members + sign, held_units=self.held_units + sign * quantity)
        if state is SeatState.CONFIRMED:
            return replace(
                self,
                confirmed_members=self.confirmed_members + sign,
                confirmed_units=self.confirmed_units + sign * quantity,
            )
        return self

    def confirmed(self, counted_in: CountedIn) -> int:
        """Tell the confirmed fill."""
        return self.confirmed_members if counted_in is CountedIn.MEMBERS else self.confirmed_units

    def taken(self, counted_in: CountedIn) -> int:
        """Tell the held and confirmed fill."""
        held = self.held_members if counted_in is CountedIn.MEMBERS else self.held_units
        return self.confirmed(counted_in) + held

    def ladder_fill(self, basis: Basis) -> int:
        """Tell the confirmed fill in a ladder's basis."""
        return self.confirmed_members if basis is Basis.TEAM_MEMBERS else self.confirmed_units


@dataclass(frozen=True, slots=True)
class Seat:
    """One member's place; the cap is per unit, in minor units of the campaign's currency."""

    seat_id: UUID
    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    member_id: str
    sku: str
    quantity: int
    role: Role
    state: SeatState
    cap: int
    cap_fill: int
    held_at: datetime
    hold_until: datetime
    invite_id: UUID | None = None
    external_ref: str = ""
    payment_reference: str = ""
    confirmed_at: datetime | None = None
    released_at: datetime | None = None
    release_reason: ReleaseReason | None = None
    number: int = 0
    """The team's version at which it was first held: the order seats were taken in."""


@dataclass(frozen=True, slots=True)
class Team:
    """People buying together."""

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    terms_version: int
    state: TeamState
    version: int
    totals: Totals
    opened_at: datetime
    ends_at: datetime
    due_at: datetime
    """When somebody has to look at it again: no later than its end and the first hold to run out."""
    opener_member_id: str
    external_ref: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a team, with the team as it stood right after."""

    kind: FactKind
    team: Team
    at: datetime
    seat: Seat | None = None
    previous_state: SeatState | None = None
    amount: int = 0
    payment_reference: str = ""
    after_expiry: bool = False
    totals_before: Totals | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule said no."""

    reason: str
    metadata: dict[str, str] = field(default_factory=dict)


class Outcome(StrEnum):
    """What became of a command."""

    SEAT = "SEAT"
    CONFIRMED = "CONFIRMED"
    REFUND_REQUIRED = "REFUND_REQUIRED"
    LEFT = "LEFT"
    NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command led to: the team and seats to save, the facts to tell, the outcome or the refusal."""

    team: Team
    seats: tuple[Seat, ...] = ()
    facts: tuple[Fact, ...] = ()
    outcome: Outcome | Refusal = Outcome.NOTHING
    seat: Seat | None = None
    """The seat that the answer is about."""
    all_released: bool = False
    """Every confirmed seat of the team is released by this: the team failed."""


def hold_end(rules: Rules, team: Team, now: datetime) -> datetime:
    """Tell until when a seat is kept: its lifetime, at most the team's end."""
    return min(now + rules.hold_lifetime, team.ends_at)
