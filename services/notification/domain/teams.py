"""The copy of teams and seats: what an event changes in it; a seat keeps the versions of its team it counts between."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class TeamState(StrEnum):
    """Where a team stands; UNKNOWN until its opening was seen."""

    UNKNOWN = "UNKNOWN"
    FORMING = "FORMING"
    TIPPED = "TIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"


class SeatState(StrEnum):
    """Where a seat stands."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"


class Role(StrEnum):
    """The part a seat plays."""

    LEADER = "LEADER"
    MEMBER = "MEMBER"


class PaymentMode(StrEnum):
    """How members pay."""

    COMMIT = "COMMIT"
    HOLD = "HOLD"
    PREPAID = "PREPAID"
    PAY_ON_DELIVERY = "PAY_ON_DELIVERY"


class CountedIn(StrEnum):
    """What a team's minimum is counted in."""

    MEMBERS = "MEMBERS"
    UNITS = "UNITS"


@dataclass(frozen=True, slots=True)
class Text:
    """What a campaign is called in one language (BCP 47)."""

    language: str
    title: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a team keeps from its opening to its end, as far as messages need it."""

    texts: tuple[Text, ...]
    seller: str
    checkout_url: str
    time_zone: str
    payment_mode: PaymentMode
    counted_in: CountedIn
    minimum: int
    currency: str
    ends_at: datetime

    def fill(self, members: int, units: int) -> int:
        """Choose of both counts the one that the minimum is counted in."""
        return units if self.counted_in is CountedIn.UNITS else members


@dataclass(frozen=True, slots=True)
class Seat:
    """One member's place. The versions are the team's: a seat counts from its confirmation to its release."""

    seat_id: UUID
    member_id: str
    sku: str
    quantity: int
    role: Role
    cap: int
    """The most one unit can ever be charged, minor units."""
    state: SeatState
    hold_until: datetime
    confirmed_version: int | None = None
    released_version: int | None = None


@dataclass(frozen=True, slots=True)
class SeatMoved:
    """A seat was held, confirmed or released; `counted` says whether it was confirmed before."""

    seat: Seat
    counted: bool = False


@dataclass(frozen=True, slots=True)
class TurnedTo:
    """The team became certain (TIPPED), or is so no longer (FORMING)."""

    state: TeamState


@dataclass(frozen=True, slots=True)
class TeamFact:
    """One event of a team; `change` is None where only version and state move."""

    event_id: UUID
    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    version: int
    state: TeamState
    confirmed_members: int
    confirmed_units: int
    change: Opened | SeatMoved | TurnedTo | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """The copy of one team; version 0 until its opening was seen."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    version: int = 0
    state: TeamState = TeamState.UNKNOWN
    fill: int = 0
    """Confirmed fill, counted as the minimum is."""
    fill_version: int = 0
    """The version at which the confirmed fill last changed."""
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An event that cannot be true beside what is stored."""

    reason: str


def advance(team: Team, fact: TeamFact) -> Team | Contradiction | None:
    """Apply an event to the copy; None where it changes nothing: seen before, or the opening was never seen."""
    if team.platform_id != fact.platform_id:
        return Contradiction("the team belongs to another platform")
    if fact.version <= team.version:
        return None
    opened = team.opened
    if isinstance(fact.change, Opened):
        if opened:
            return Contradiction("the team was opened before")
        opened = fact.change
    if opened is None:
        return None
    return replace(
        team,
        version=fact.version,
        state=fact.state,
        fill=opened.fill(fact.confirmed_members, fact.confirmed_units),
        fill_version=fact.version if _fills(fact.change) else team.fill_version,
        opened=opened,
    )


def _fills(change: Opened | SeatMoved | TurnedTo | None) -> bool:
    return isinstance(change, SeatMoved) and (change.counted or change.seat.state is SeatState.CONFIRMED)


def move_seat(stored: Seat | None, told: Seat, version: int) -> Seat | Contradiction:
    """Apply an event of a seat at a version of its team."""
    if stored and stored.member_id != told.member_id:
        return Contradiction("the seat belongs to another member")
    confirmed = stored.confirmed_version if stored else None
    match told.state:
        case SeatState.HELD:
            return replace(told, confirmed_version=None, released_version=None)
        case SeatState.CONFIRMED:
            return replace(told, confirmed_version=version, released_version=None)
        case SeatState.RELEASED:
            return replace(told, confirmed_version=confirmed, released_version=version)
