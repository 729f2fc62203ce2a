"""The copy of seats: what an event changes in one; a seat keeps the versions of its team between which it counts."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SeatState(StrEnum):
    """Where a seat stands."""

    WAITING = "WAITING"
    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    DEFAULTED = "DEFAULTED"


class Role(StrEnum):
    """The part a seat plays."""

    LEADER = "LEADER"
    MEMBER = "MEMBER"


class SeatFact(StrEnum):
    """What happened to a seat, as far as members are told different things of it."""

    HELD = "HELD"
    SEATED = "SEATED"
    """It was held after waiting for room."""
    WAITLISTED = "WAITLISTED"
    CONFIRMED = "CONFIRMED"
    EXTENDED = "EXTENDED"
    REDUCED = "REDUCED"
    LEADING = "LEADING"
    """Its member leads the team from now on."""
    RELEASED = "RELEASED"
    PRICED_OUT = "PRICED_OUT"
    """It was released because the price was above its member's limit when its turn came."""
    IN_VAIN = "IN_VAIN"
    """It was released because no place became free."""
    WITHDRAWN = "WITHDRAWN"
    """It was given back after the team had formed."""
    DEFAULTED = "DEFAULTED"


@dataclass(frozen=True, slots=True)
class Seat:
    """One member's place. The versions are the team's; None where it has not happened, or not been seen."""

    seat_id: UUID
    member_id: str
    sku: str
    quantity: int
    role: Role
    cap: int
    """The most one unit can ever be charged, minor units; 0 while it waits for room."""
    state: SeatState
    hold_until: datetime
    """Until when it is kept; says nothing while it waits for room."""
    confirmed_version: int | None = None
    released_version: int | None = None
    taken_version: int | None = None
    """From which it is held, confirmed or waits, without a break."""
    reduced_version: int | None = None
    """At which a part of its quantity was last given back."""
    cap_tally_seq: int = 0
    """The campaign's tally at which its cap was read; 0 for none."""


@dataclass(frozen=True, slots=True)
class SeatMoved:
    """What happened to a seat, and the seat as the event has it."""

    seat: Seat
    fact: SeatFact
    fills: bool = False
    """The confirmed fill of the team changed by it."""
    units: int = 0
    """Units given back, where a part of it was."""
    promoter_id: str = ""
    """Who earns a commission by it; empty for nobody."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An event that cannot be true beside what is stored."""

    reason: str


def move_seat(stored: Seat | None, moved: SeatMoved, version: int) -> Seat | Contradiction:
    """Apply an event of a seat at a version of its team."""
    told = moved.seat
    if stored and stored.member_id != told.member_id:
        return Contradiction("the seat belongs to another member")
    reduced = stored.reduced_version if stored else None
    live = stored if stored and stored.released_version is None else None
    if told.state in {SeatState.RELEASED, SeatState.DEFAULTED}:
        confirmed, released = stored.confirmed_version if stored else None, version
    else:
        confirmed, released = _confirmed(live, told, version), None
    return replace(
        told,
        confirmed_version=confirmed,
        released_version=released,
        taken_version=live.taken_version if live else version,
        reduced_version=version if moved.fact is SeatFact.REDUCED else reduced,
    )


def _confirmed(live: Seat | None, told: Seat, version: int) -> int | None:
    """Tell from which version a live seat counts: from the first at which it was seen confirmed."""
    if told.state is not SeatState.CONFIRMED:
        return None
    return version if live is None or live.confirmed_version is None else live.confirmed_version
