"""What makes an event of a team untrue with what is stored: each check gives a sentence for operators, or None."""

from services.pricing.domain.price import PriceTable
from services.pricing.domain.team import FactKind, ReleaseReason, Seat, SeatState, Team, TeamFact

_OF_SEATS = {
    FactKind.SEAT_HELD,
    FactKind.SEAT_CONFIRMED,
    FactKind.SEAT_RELEASED,
    FactKind.LATE_PAYMENT_REPORTED,
}


def out_of_place(team: Team, fact: TeamFact) -> str | None:
    """Check that an event is the next of its team, and that the team can still change."""
    if fact.platform_id != team.platform_id:
        return "the team belongs to another platform"
    if fact.version != team.version + 1:
        return f"versions {team.version + 1} to {fact.version - 1} are missing, and team_formation does not have them"
    if not team.state.is_open and fact.kind is not FactKind.LATE_PAYMENT_REPORTED:
        return f"{fact.kind} after the team {team.state.lower()}"
    return None


def seat_problem(team: Team, seat: Seat | None, table: PriceTable, fact: TeamFact) -> str | None:
    """Check what an event says about a seat; above all that its cap is what the price table says."""
    told = fact.seat
    if fact.kind not in _OF_SEATS:
        return None
    if told is None or told.team_id != team.team_id or (seat and seat.team_id != team.team_id):
        return "the seat is of another team"
    if fact.currency != table.currency:
        return f"the amounts are in {fact.currency or 'no currency'}, the team's prices in {table.currency}"
    if fact.kind is FactKind.SEAT_HELD:
        return "the seat was held before" if seat else _cap_problem(team, table, told)
    return _known_seat_problem(seat, told, fact) if seat else "the seat is not known"


def _known_seat_problem(seat: Seat, told: Seat, fact: TeamFact) -> str | None:
    fixed = (seat.member_id, seat.sku, seat.role, seat.quantity, seat.cap, seat.cap_fill)
    if fixed != (told.member_id, told.sku, told.role, told.quantity, told.cap, told.cap_fill):
        return "what a seat keeps for ever (member, item, role, quantity, cap) is not what it was held with"
    if fact.kind is FactKind.SEAT_CONFIRMED:
        return _confirm_problem(seat, fact)
    if fact.kind is FactKind.SEAT_RELEASED:
        return _release_problem(seat, fact)
    return None if fact.amount >= 0 else "the late payment is below zero"


def _cap_problem(team: Team, table: PriceTable, told: Seat) -> str | None:
    row = table.row(told.sku, told.role)
    if row is None:
        return f"the price table has no row for {told.sku} and {told.role.lower()}"
    if told.quantity < 1:
        return "a seat takes at least one unit"
    fill = team.totals.plus(SeatState.CONFIRMED, told.quantity).fill(table.basis)
    if told.cap_fill != fill:
        return f"the cap was read at fill {told.cap_fill}; with this seat added the fill is {fill}"
    if told.cap != row.at(fill).unit_price:
        return f"the cap is {told.cap}; at fill {fill} the price table says {row.at(fill).unit_price}"
    return None


def _confirm_problem(seat: Seat, fact: TeamFact) -> str | None:
    expired = seat.state is SeatState.RELEASED and seat.release_reason is ReleaseReason.EXPIRED
    if not (expired if fact.after_expiry else seat.state is SeatState.HELD):
        return f"a seat that is {_standing(seat)} cannot be confirmed"
    if fact.amount != seat.committed:
        return f"the amount is {fact.amount}; cap times quantity is {seat.committed}"
    return None


def _release_problem(seat: Seat, fact: TeamFact) -> str | None:
    if seat.state is SeatState.RELEASED or fact.previous_state is not seat.state:
        return f"the seat was {fact.previous_state or 'nothing'} before its release; here it is {_standing(seat)}"
    reason = fact.seat.release_reason if fact.seat else None
    if reason is ReleaseReason.LEFT or (reason is ReleaseReason.EXPIRED and seat.state is SeatState.HELD):
        return None
    return f"a seat that is {_standing(seat)} cannot be released with reason {reason or 'none'}"


def _standing(seat: Seat) -> str:
    return f"{seat.state} ({seat.release_reason})" if seat.release_reason else str(seat.state)


def miscount(before: Team, after: Team, seat: Seat | None, fact: TeamFact) -> str | None:
    """Check an event against our own counting; `after` and `seat` are as we make them of it."""
    if fact.state is not after.state:
        return f"the event says {fact.state}, by our own counting the team is {after.state}"
    if fact.totals != after.totals:
        return f"the event counts {fact.totals}, we count {after.totals}"
    if fact.kind is FactKind.TEAM_FAILED and fact.totals_at_end != before.totals:
        return f"the event counts {fact.totals_at_end} at the end, we count {before.totals}"
    if seat and fact.seat and seat.state is not fact.seat.state:
        return f"the event says the seat is {fact.seat.state}, which {fact.kind} does not make it"
    return None
