"""Who is told what: the rule for each kind of message."""

from dataclasses import dataclass
from typing import TypeAlias

from services.notification.domain.messages import (
    EndMoved,
    Facts,
    GivenUp,
    Joined,
    Kind,
    Leading,
    OneLeft,
    OneMissing,
    PriceMoved,
    Reduced,
    Turned,
    Waiting,
)
from services.notification.domain.seats import Role, Seat, SeatFact, SeatMoved, SeatState
from services.notification.domain.teams import (
    Cancelled,
    Ended,
    Opened,
    Rescheduled,
    TeamFact,
    TeamState,
    TurnedTo,
    leaves_one,
)

News: TypeAlias = tuple[Kind, Facts]


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
    ladder_version: int = 0
    """Of a price that the whole campaign moves, the ladder of the teams concerned; 0 of a team's own price."""


def seat_news(moved: SeatMoved, seat: Seat, opened: Opened) -> News | None:  # noqa: PLR0911 - a table
    """Tell a seat's own member what happened to it; None where there is nothing to tell.

    A confirmation, an extended hold and a hold given back are the caller's own doing, and the platform has answered it.
    A confirmed seat that was left is told with its settlement. `seat` is the seat as it stands after the fact.
    """
    quantity = seat.quantity
    match moved.fact:
        case SeatFact.HELD:
            return Kind.JOINED, Joined(quantity, seat.cap, seat.hold_until)
        case SeatFact.SEATED:
            return Kind.SEAT_FREE, Joined(quantity, seat.cap, seat.hold_until)
        case SeatFact.WAITLISTED:
            return Kind.WAITLISTED, Waiting(quantity)
        case SeatFact.PRICED_OUT:
            return Kind.PRICED_OUT, Waiting(quantity)
        case SeatFact.IN_VAIN:
            return Kind.WAITED_IN_VAIN, Waiting(quantity)
        case SeatFact.REDUCED:
            cap = 0 if seat.state is SeatState.WAITING else seat.cap
            return Kind.REDUCED, Reduced(quantity, moved.units, cap, _brought_money(seat, opened))
        case SeatFact.LEADING:
            return Kind.LEADING, Leading(quantity, seat.cap, opened.leader_reward)
        case SeatFact.WITHDRAWN:
            return Kind.WITHDRAWN, GivenUp(quantity, _brought_money(seat, opened))
        case SeatFact.DEFAULTED:
            return Kind.DEFAULTED, GivenUp(quantity, paid=False)
        case _:
            return None


def team_news(fact: TeamFact, seat: Seat, opened: Opened) -> News | None:
    """Tell a member whom a change of the whole team concerns; counts are those of the event's own version."""
    match fact.change:
        case TurnedTo(state):
            kind = Kind.TIPPED if state is TeamState.TIPPED else Kind.UNTIPPED
            missing = max(0, opened.minimum - opened.fill(fact.confirmed_members, fact.confirmed_units))
            return kind, Turned(seat.quantity, seat.cap, missing, fact.sponsored)
        case Ended():
            return Kind.WAITED_IN_VAIN, Waiting(seat.quantity)
        case Rescheduled(ends_at):
            return Kind.RESCHEDULED, EndMoved(seat.quantity, ends_at)
        case SeatMoved():
            return (Kind.ONE_SEAT_LEFT, OneLeft(opened.ends_at)) if leaves_one(fact, opened) else None
        case Cancelled(reason):
            waiting = seat.state is SeatState.WAITING
            return Kind.CANCELLED, GivenUp(seat.quantity, _brought_money(seat, opened), waiting, reason)
        case _:
            return None


def _brought_money(seat: Seat, opened: Opened) -> bool:
    return seat.confirmed_version is not None and seat.cap > 0 and opened.payment_mode.brings_money


def price_news(fact: PriceFact, seat: Seat, version: int) -> News | None:
    """Tell what a price fact at a version of the team means to a confirmed member; None where it means nothing.

    What a member would pay is the lower of price and cap. A change is no news to whoever caused it by confirming, and
    a missing friend none to whom the next tier saves nothing.
    """
    move = next((move for move in fact.moves if (move.sku, move.role) == (seat.sku, seat.role)), None)
    if move is None:
        return None
    before, now, following = (min(price, seat.cap) for price in (move.old, move.new, move.next))
    of_campaign = fact.ladder_version > 0
    if fact.near:
        one = OneMissing(seat.quantity, now, following, seat.cap, of_campaign)
        return (Kind.ONE_MISSING, one) if following < now else None
    caused = not of_campaign and seat.confirmed_version == version
    if now == before or caused:
        return None
    kind = Kind.PRICE_FELL if now < before else Kind.PRICE_ROSE
    return kind, PriceMoved(seat.quantity, before, now, following, fact.missing, seat.cap, of_campaign)
