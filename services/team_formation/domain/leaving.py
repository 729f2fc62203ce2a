"""Leaving: a member gives a seat or a part of it back, money that did not come, and who leads then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.team_formation.domain.campaign import LeaveUntil, Rules
from services.team_formation.domain.change import Change, ended, written
from services.team_formation.domain.commands import Default, Leave
from services.team_formation.domain.payment_terms import OnBelowMinimum
from services.team_formation.domain.taking import fill_place, promote
from services.team_formation.domain.team import (
    Around,
    Decision,
    FactKind,
    Outcome,
    Refusal,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
)


@dataclass(frozen=True, slots=True)
class Heirs:
    """Who profits when a seat is given back."""

    waiting: Sequence[Seat] = ()
    """Who waits for room, the longest waiting first."""
    confirmed: Sequence[Seat] = ()
    """Who could lead: members' confirmed seats, the earliest confirmed first."""
    more: bool = False
    """More are waiting than those named."""
    beyond: Sequence[Seat] = ()
    """Of those who wait after them, the longest waiting of each item and quantity: no other can fit before it."""
    fewer: bool = False
    """Some of those who waited longest wait no longer: who is like them may stand behind."""


def leave_team(team: Team, around: Around, seat: Seat, heirs: Heirs, command: Leave) -> Decision:
    """Give a seat or some of its units back.

    A held one as long as the team is open, one that waits as long as it does; a confirmed one by the campaign's rule,
    after formation too.
    """
    change = Change(team, around)
    refusal = leave_refusal(team, change.rules, seat, change.now) or _units_refusal(seat, command.units)
    if refusal:
        return change.done(refusal)
    after_formed = team.state is TeamState.FORMED
    withdraws = after_formed and seat.state is SeatState.CONFIRMED
    if 0 < command.units < seat.quantity:
        _reduce(change, seat, command.units, after_formed=after_formed)
    else:
        change.release(seat, ReleaseReason.WITHDRAWN if withdraws else ReleaseReason.LEFT)
    if not after_formed:
        make_way(change, heirs)
    return change.done(Outcome.REDUCED if 0 < command.units < seat.quantity else Outcome.LEFT, seat)


def default_seat(team: Team, around: Around, seat: Seat, heirs: Heirs, command: Default) -> Decision:
    """Take a confirmed seat from a member whose money did not come; after formation nobody else's price rises by it."""
    change = Change(team, around)
    if team.state is not TeamState.FORMED and (refusal := ended(team, around.now)):
        return change.done(refusal)
    if seat.sponsored:
        return change.done(Refusal("SPONSORED_SEAT"))
    if seat.state is not SeatState.CONFIRMED:
        return change.done(Refusal("SEAT_STATE", {"state": seat.state, "action": "default"}))
    after = replace(seat, state=SeatState.DEFAULTED, released_at=around.now, updated_at=around.now)
    formed = team.state is TeamState.FORMED
    change.move(FactKind.SEAT_DEFAULTED, seat.state, after, reason=command.reason, after_formed=formed)
    if not formed:
        make_way(change, heirs)
        return change.done(Outcome.DEFAULTED, after)
    fill_place(change, heirs.waiting, heirs.beyond)
    if fails_below_minimum(change.rules) and 0 < change.confirmed_fill() < change.rules.minimum:
        change.cancel_seats(_BELOW_MINIMUM)
    return change.done(Outcome.DEFAULTED, after)


_BELOW_MINIMUM = "too few members paid"


def fails_below_minimum(rules: Rules) -> bool:
    """Tell whether defaults after formation may cost the others their seats."""
    terms = rules.payment_terms
    return terms is not None and terms.on_below_minimum is OnBelowMinimum.FAIL


def make_way(change: Change, heirs: Heirs) -> None:
    """See to an open team after seats were given back: it may be certain no longer, lead anew, and seat who waits."""
    if change.team.state is TeamState.TIPPED and change.confirmed_fill() < change.rules.minimum:
        change.tell(FactKind.TEAM_UNTIPPED, team={"state": TeamState.FORMING})
    succeed(change, heirs.confirmed)
    may_go_on = promote(change, heirs.waiting, heirs.beyond) or (heirs.fewer and change.fits(1))
    change.again = heirs.more and may_go_on


def succeed(change: Change, confirmed: Sequence[Seat]) -> None:
    """Have the earliest confirmed member lead where the leader has left; nobody, until somebody confirms."""
    leader = change.seats.get(change.team.leader_seat_id) if change.team.leader_seat_id else None
    if leader is None or leader.state.takes_room:
        return
    heirs = (change.seats.get(seat.seat_id, seat) for seat in confirmed)
    change.lead(next((seat for seat in heirs if seat.state is SeatState.CONFIRMED and not seat.sponsored), None))


def _reduce(change: Change, seat: Seat, units: int, *, after_formed: bool) -> None:
    after = replace(seat, quantity=seat.quantity - units, updated_at=change.now)
    if after.sku in change.left and seat.state.takes_room:
        change.left[after.sku] += units
    change.seats[seat.seat_id] = after
    totals = change.team.totals.moved(seat.state, None, units, members=0)
    change.tell(FactKind.SEAT_REDUCED, after, team={"totals": totals}, units=units, after_formed=after_formed)


def leave_refusal(team: Team, rules: Rules, seat: Seat, now: datetime) -> Refusal | None:
    """Tell why a seat cannot be given back at a time, if so."""
    if seat.sponsored:
        return Refusal("SPONSORED_SEAT")
    if team.state is TeamState.FORMED and seat.state is SeatState.CONFIRMED and rules.leave_after_formed:
        closes = (team.ended_at or team.ends_at) + rules.leave_after_formed
        return Refusal("LEAVE_CLOSED", {"leave_until": written(closes)}) if now >= closes else None
    if team.state is TeamState.FORMED and seat.state is SeatState.WAITING:
        return None
    return ended(team, now) or _not_given(seat) or _closed(team, seat, rules.leave_until)


def _not_given(seat: Seat) -> Refusal | None:
    if seat.state is SeatState.DEFAULTED:
        return Refusal("SEAT_STATE", {"state": seat.state, "action": "leave"})
    if seat.state is SeatState.RELEASED:
        return Refusal("SEAT_RELEASED", {"release_reason": seat.release_reason or ""})
    return None


def _closed(team: Team, seat: Seat, until: LeaveUntil) -> Refusal | None:
    may_go = until is LeaveUntil.ENDED or (until is LeaveUntil.TIPPED and team.state is TeamState.FORMING)
    return None if may_go or seat.state is not SeatState.CONFIRMED else Refusal("LEAVE_CLOSED", {"leave_until": until})


def _units_refusal(seat: Seat, units: int) -> Refusal | None:
    if units <= seat.quantity:
        return None
    return Refusal("QUANTITY_OUT_OF_RANGE", {"maximum": str(seat.quantity), "quantity": str(units)})
