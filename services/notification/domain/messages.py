"""Who is told what: each kind of message, the facts it states, and the rule for who gets it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from services.notification.domain.teams import Opened, Role, Seat, TeamState


class Kind(StrEnum):
    """What a message is about."""

    JOINED = "JOINED"
    PRICE_FELL = "PRICE_FELL"
    PRICE_ROSE = "PRICE_ROSE"
    ONE_MISSING = "ONE_MISSING"
    TIPPED = "TIPPED"
    UNTIPPED = "UNTIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"
    LEFT = "LEFT"
    LATE_PAYMENT = "LATE_PAYMENT"


PRICE_KINDS = (Kind.PRICE_FELL, Kind.PRICE_ROSE, Kind.ONE_MISSING)


@dataclass(frozen=True, slots=True)
class Joined:
    """A seat is kept. Amounts of every kind are per unit and in minor units; a message shows them times quantity."""

    quantity: int
    cap: int
    hold_until: datetime


@dataclass(frozen=True, slots=True)
class PriceMoved:
    """What the member would pay changed: before, now, and at the next tier, `missing` more away (0: the last)."""

    quantity: int
    before: int
    now: int
    next: int
    missing: int
    cap: int


@dataclass(frozen=True, slots=True)
class OneMissing:
    """One more lowers what the member pays from `now` to `next`."""

    quantity: int
    now: int
    next: int
    cap: int


@dataclass(frozen=True, slots=True)
class Turned:
    """The team became certain, or lacks `missing` of its minimum again."""

    quantity: int
    cap: int
    missing: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What one seat owes or gets back: all but `unit_price` are totals of the seat, in minor units."""

    quantity: int
    unit_price: int
    due: int
    captured: int
    kept: int
    voided: int
    refunded: int


Facts: TypeAlias = Joined | PriceMoved | OneMissing | Turned | Settled


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one member, before it is put into words."""

    cause_event_id: UUID
    team_version: int
    kind: Kind
    seat_id: UUID
    member_id: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Move:
    """How the unit price of one item and role moved, minor units."""

    sku: str
    role: Role
    old: int
    new: int
    next: int


@dataclass(frozen=True, slots=True)
class PriceFact:
    """A price changed, or (`near`) one more reaches the next tier; `missing` is the fill to it, 0 at the last."""

    moves: tuple[Move, ...]
    missing: int
    near: bool


def joined(seat: Seat) -> tuple[Kind, Facts]:
    """Tell the holder what is kept until when, and the most it can cost."""
    return Kind.JOINED, Joined(seat.quantity, seat.cap, seat.hold_until)


def turned(seat: Seat, to: TeamState, opened: Opened, fill: int) -> tuple[Kind, Facts]:
    """Tell a confirmed member that the team is certain, or is so no longer."""
    kind = Kind.TIPPED if to is TeamState.TIPPED else Kind.UNTIPPED
    missing = max(0, opened.minimum - fill)
    return kind, Turned(seat.quantity, seat.cap, missing)


def price_news(fact: PriceFact, seat: Seat, version: int) -> tuple[Kind, Facts] | None:
    """Tell what a price fact at a version of the team means to a confirmed member; None where it means nothing.

    What a member would pay is the lower of price and cap. A change is no news to whoever caused it by confirming, and
    a missing friend none to whom the next tier saves nothing.
    """
    move = next((move for move in fact.moves if (move.sku, move.role) == (seat.sku, seat.role)), None)
    if move is None:
        return None
    before, now, following = (min(price, seat.cap) for price in (move.old, move.new, move.next))
    if fact.near:
        return (Kind.ONE_MISSING, OneMissing(seat.quantity, now, following, seat.cap)) if following < now else None
    if now == before or seat.confirmed_version == version:
        return None
    kind = Kind.PRICE_FELL if now < before else Kind.PRICE_ROSE
    return kind, PriceMoved(seat.quantity, before, now, following, fact.missing, seat.cap)
