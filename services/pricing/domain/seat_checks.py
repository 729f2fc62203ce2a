"""What makes an event untrue with what is stored of its seat: each check gives a sentence for operators, or None."""

import re
from collections.abc import Callable

from services.pricing.domain.fact import FactKind, TeamFact
from services.pricing.domain.price import Basis, PriceTable, Role
from services.pricing.domain.team import ReleaseReason, Seat, SeatState, Team, TeamState

_PSEUDONYM = re.compile(r"erased-[0-9a-f]{24}")
"""Takes the place of an erased member's id (services/chassis/erased.py): in events sooner than in rows, as they come by
other topics."""

_WITHOUT_SEAT = {
    FactKind.TEAM_OPENED,
    FactKind.TEAM_TIPPED,
    FactKind.TEAM_UNTIPPED,
    FactKind.TEAM_FORMED,
    FactKind.TEAM_FAILED,
    FactKind.TEAM_CANCELLED,
    FactKind.TEAM_RESCHEDULED,
    FactKind.LEADER_CHANGED,
}
_NEW = {FactKind.SEAT_WAITLISTED, FactKind.SEAT_SPONSORED}
_GIVES_ROLE = {FactKind.SEAT_CONFIRMED, FactKind.LEADER_CHANGED}

_REASONS = {
    SeatState.WAITING: {ReleaseReason.LEFT, ReleaseReason.PRICE_CHANGED, ReleaseReason.TEAM_ENDED},
    SeatState.HELD: {ReleaseReason.LEFT, ReleaseReason.EXPIRED, ReleaseReason.TEAM_ENDED},
    SeatState.CONFIRMED: {ReleaseReason.LEFT},
}
_REASONS_OF_FORMED = {
    SeatState.CONFIRMED: {ReleaseReason.WITHDRAWN},
    SeatState.WAITING: _REASONS[SeatState.WAITING],
}


def seat_problem(team: Team, seat: Seat | None, table: PriceTable, fact: TeamFact, tallied: int | None) -> str | None:
    """Check what an event says about a seat; above all that its cap is what the price table says."""
    told = fact.seat
    if told is None:
        return None if fact.kind in _WITHOUT_SEAT else "the event names no seat"
    if told.team_id != team.team_id or (seat and seat.team_id != team.team_id):
        return "the seat is of another team"
    if (told.cap_fill or fact.amount) and fact.currency != table.currency:
        return f"the amounts are in {fact.currency or 'no currency'}, the team's prices in {table.currency}"
    if fact.kind is FactKind.SEAT_HELD:
        return _held_problem(team, seat, table, fact, told, tallied)
    if fact.kind in _NEW:
        return "the seat was taken before" if seat else _order_problem(table, told, fact)
    return _known_problem(team, seat, told, table, fact) if seat else "the seat is not known"


def _held_problem(
    team: Team, seat: Seat | None, table: PriceTable, fact: TeamFact, told: Seat, tallied: int | None
) -> str | None:
    if not fact.from_waitlist:
        return "the seat was held before" if seat else _cap_problem(team, table, fact, told, tallied)
    if seat is None or seat.state is not SeatState.WAITING:
        return f"a seat that is {_standing(seat) if seat else 'not known'} does not come from the waitlist"
    return _order_changed(seat, told, fact) or _cap_problem(team, table, fact, told, tallied)


def _order_problem(table: PriceTable, told: Seat, fact: TeamFact) -> str | None:
    if table.row(told.sku, told.role) is None:
        return f"the price table has no row for {told.sku} and {told.role.lower()}"
    if told.quantity < 1:
        return "a seat takes at least one unit"
    if problem := _own_steps_problem(table, told):
        return problem
    if told.sponsored is not (fact.kind is FactKind.SEAT_SPONSORED):
        return f"{fact.kind} of a seat that is {'' if told.sponsored else 'not '}sponsored"
    return None


def _cap_problem(team: Team, table: PriceTable, fact: TeamFact, told: Seat, tallied: int | None) -> str | None:
    if problem := _order_problem(table, told, fact):
        return problem
    if tallied is None:
        return f"the cap was read at tally {told.cap_tally_seq}, which the campaign does not have"
    confirmed = tallied if table.basis.is_of_campaign else team.totals.fill(table.basis)
    fill = confirmed + (1 if table.basis is Basis.TEAM_MEMBERS else told.quantity)
    if told.cap_fill != fill:
        return f"the cap was read at fill {told.cap_fill}; with this seat added the fill is {fill}"
    row = table.row(told.sku, told.role)
    return _wrong_cap(told, told.price(row, fill)) if row else None


def _wrong_cap(told: Seat, price: int) -> str | None:
    """Check a cap against the price at its fill; a quote may have promised less."""
    if told.cap_from_quote:
        return None if 0 <= told.cap < price else f"a quote's cap of {told.cap} is not below the price of {price}"
    whose = "its own price" if told.own_steps else "the price table"
    return None if told.cap == price else f"the cap is {told.cap}; at fill {told.cap_fill} {whose} says {price}"


def _own_steps_problem(table: PriceTable, told: Seat) -> str | None:
    if not told.own_steps:
        return None
    row, thresholds = table.row(told.sku, told.role), [step.threshold for step in told.own_steps]
    if thresholds[0] != 0 or sorted(set(thresholds)) != thresholds:
        return "the seat's own steps do not ascend from 0"
    lowest = min(step.unit_price for step in told.own_steps)
    if row and lowest < row.floor_price:
        return f"an own price of {lowest} is below the item's floor price of {row.floor_price}"
    return None


def _known_problem(team: Team, seat: Seat, told: Seat, table: PriceTable, fact: TeamFact) -> str | None:
    return (
        _order_changed(seat, told, fact)
        or _terms_changed(team, seat, told, fact)
        or _CHECKS[fact.kind](team, seat, told, fact)
        or (_fill_problem(team, table, told) if fact.kind is FactKind.SEAT_CONFIRMED and fact.from_waitlist else None)
    )


def _order_changed(seat: Seat, told: Seat, fact: TeamFact) -> str | None:
    is_same = seat.member_id == told.member_id or _PSEUDONYM.fullmatch(told.member_id)
    kept = (seat.sku, seat.quantity - fact.units, seat.sponsored, seat.own_steps)
    if is_same and kept == (told.sku, told.quantity, told.sponsored, told.own_steps):
        return None
    return "what a seat keeps (member, item, quantity but for units given back, own price) is not what it took"


def _terms_changed(team: Team, seat: Seat, told: Seat, fact: TeamFact) -> str | None:
    had = (seat.cap, seat.cap_fill, seat.cap_tally_seq, seat.cap_from_quote)
    has = (told.cap, told.cap_fill, told.cap_tally_seq, told.cap_from_quote)
    if seat.cap_fill and had != has:
        return f"the cap is {told.cap} at {told.cap_fill}; the seat keeps the one it has, {seat.cap} at {seat.cap_fill}"
    if team.state.is_open and fact.kind not in _GIVES_ROLE and seat.role is not told.role:
        return f"the seat has the {told.role.lower()}'s role here, and nothing gave it"
    return None


def _confirm_problem(team: Team, seat: Seat, told: Seat, fact: TeamFact) -> str | None:
    if fact.from_waitlist is not (team.state is TeamState.FORMED):
        return f"a seat is confirmed {'from' if fact.from_waitlist else 'not from'} the waitlist of a team {team.state}"
    if fact.from_waitlist:
        waits = seat.state is SeatState.WAITING
        return (
            _amount_problem(told, fact)
            if waits
            else f"a seat that is {_standing(seat)} does not come from the waitlist"
        )
    expired = seat.state is SeatState.RELEASED and seat.release_reason is ReleaseReason.EXPIRED
    if not (expired if fact.after_expiry else seat.state is SeatState.HELD):
        return f"a seat that is {_standing(seat)} cannot be confirmed"
    return _amount_problem(seat, fact)


def _amount_problem(seat: Seat, fact: TeamFact) -> str | None:
    if fact.amount != seat.committed:
        return f"the amount is {fact.amount}; cap times quantity is {seat.committed}"
    return None


def _fill_problem(team: Team, table: PriceTable, told: Seat) -> str | None:
    """Check the cap of a seat that takes a place of a formed team: its final price."""
    row = table.row(told.sku, told.role)
    if row is None:
        return f"the price table has no row for {told.sku} and {told.role.lower()}"
    price = told.price(row, team.fill)
    if told.cap_fill != team.fill or _wrong_cap(told, price):
        return (
            f"the cap is {told.cap} at fill {told.cap_fill}; the team formed at fill {team.fill}, which gives {price}"
        )
    return None


def _release_problem(team: Team, seat: Seat, told: Seat, fact: TeamFact) -> str | None:
    if seat.state.is_gone or fact.previous_state is not seat.state:
        return f"the seat was {fact.previous_state or 'nothing'} before its release; here it is {_standing(seat)}"
    reasons = _REASONS_OF_FORMED if team.state is TeamState.FORMED else _REASONS
    if told.release_reason in reasons.get(seat.state, set()):
        return None
    formed = " of a formed team" if team.state is TeamState.FORMED else ""
    return f"a seat{formed} that is {_standing(seat)} cannot be released with reason {told.release_reason or 'none'}"


def _later_problem(team: Team, seat: Seat, told: Seat, fact: TeamFact) -> str | None:
    formed = team.state is TeamState.FORMED
    if fact.after_formed is not formed:
        return f"the event says {'after' if fact.after_formed else 'before'} formation, the team is {team.state}"
    must_be_confirmed = fact.kind is FactKind.SEAT_DEFAULTED or (formed and seat.state is not SeatState.WAITING)
    if seat.state.is_gone or (must_be_confirmed and seat.state is not SeatState.CONFIRMED):
        return f"{fact.kind} of a seat that is {_standing(seat)}"
    if fact.kind is FactKind.SEAT_REDUCED and not (fact.units >= 1 and told.quantity >= 1):
        return f"{fact.units} units of {seat.quantity} are no part of a seat that keeps the rest"
    return None


def _extend_problem(_team: Team, seat: Seat, _told: Seat, _fact: TeamFact) -> str | None:
    return None if seat.state is SeatState.HELD else f"a seat that is {_standing(seat)} has no hold to extend"


def _lead_problem(_team: Team, _seat: Seat, told: Seat, _fact: TeamFact) -> str | None:
    return None if told.role is Role.LEADER else "who leads from now on has not the leader's role"


def _late_problem(_team: Team, _seat: Seat, _told: Seat, fact: TeamFact) -> str | None:
    return None if fact.amount >= 0 else "the late payment is below zero"


_CHECKS: dict[FactKind, Callable[[Team, Seat, Seat, TeamFact], str | None]] = {
    FactKind.SEAT_CONFIRMED: _confirm_problem,
    FactKind.SEAT_RELEASED: _release_problem,
    FactKind.SEAT_REDUCED: _later_problem,
    FactKind.SEAT_DEFAULTED: _later_problem,
    FactKind.HOLD_EXTENDED: _extend_problem,
    FactKind.LEADER_CHANGED: _lead_problem,
    FactKind.LATE_PAYMENT_REPORTED: _late_problem,
}


def _standing(seat: Seat) -> str:
    return f"{seat.state} ({seat.release_reason})" if seat.release_reason else str(seat.state)
