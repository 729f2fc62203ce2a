"""What an event makes of a seat."""

from services.pricing.domain.fact import FactKind, TeamFact
from services.pricing.domain.team import Seat, SeatState, Team, TeamState
from services.pricing.domain.values import changed

_BEGINS = {
    FactKind.SEAT_HELD: SeatState.HELD,
    FactKind.SEAT_WAITLISTED: SeatState.WAITING,
    FactKind.SEAT_SPONSORED: SeatState.CONFIRMED,
}


def moved_seat(team: Team, seat: Seat | None, fact: TeamFact) -> Seat | None:
    """Move a seat by ourselves, `seat` as it is stored; None where the event changes none."""
    told = fact.seat
    if told is None or fact.kind is FactKind.LATE_PAYMENT_REPORTED:
        return None
    if seat is None or fact.kind is FactKind.SEAT_HELD:
        return _begun(told, fact)
    seat = _earning(_led(seat, told), told) if team.state.is_open else _as_formed(seat, team)
    return _changed(seat, told, fact)


def _changed(seat: Seat, told: Seat, fact: TeamFact) -> Seat:
    match fact.kind:
        case FactKind.SEAT_CONFIRMED:
            reference = fact.payment_reference
            confirmed = changed(seat, state=SeatState.CONFIRMED, release_reason=None, payment_reference=reference)
            return _filling(confirmed, told, fact) if fact.from_waitlist else confirmed
        case FactKind.SEAT_RELEASED:
            return changed(seat, state=SeatState.RELEASED, release_reason=told.release_reason)
        case FactKind.SEAT_DEFAULTED:
            return changed(seat, state=SeatState.DEFAULTED)
        case FactKind.SEAT_REDUCED:
            return changed(seat, quantity=seat.quantity - fact.units)
        case _:
            return seat


def _begun(told: Seat, fact: TeamFact) -> Seat:
    state = _BEGINS.get(fact.kind, told.state)
    begun = changed(told, state=state, release_reason=None, number=fact.version)
    return changed(begun, cap=0, cap_fill=0, cap_tally_seq=0) if state is SeatState.WAITING else begun


def _filling(seat: Seat, told: Seat, fact: TeamFact) -> Seat:
    """Take over the cap of who takes a place after formation; its number tells that it was not there before."""
    promised = told.cap_from_quote
    return changed(seat, cap=told.cap, cap_fill=told.cap_fill, cap_from_quote=promised, number=fact.version)


def _led(seat: Seat, told: Seat) -> Seat:
    """Take over the role told: who leads pays by another row from now on, with the cap it has."""
    if told.role is seat.role:
        return seat
    cap_role = seat.cap_role or seat.role
    return changed(seat, role=told.role, cap_role=None if cap_role is told.role else cap_role)


def _earning(seat: Seat, told: Seat) -> Seat:
    """Take over who earns by a seat that came before events said so (0.1.0).

    Not after formation: a line that earned nothing then must not take anything back.
    """
    if seat.promoter_id or not told.promoter_id:
        return seat
    return changed(seat, promoter_id=told.promoter_id, commission_basis_points=told.commission_basis_points)


def _as_formed(seat: Seat, team: Team) -> Seat:
    """Remember what the seat had when the team formed: its line may not be made yet."""
    if team.state is not TeamState.FORMED or seat.formed_quantity is not None or seat.state is SeatState.WAITING:
        return seat
    return changed(seat, formed_quantity=seat.quantity)
