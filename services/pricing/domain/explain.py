"""Why a seat is priced as it is, as data."""

from dataclasses import dataclass

from services.pricing.domain.price import Basis, PriceStep, PriceTable, payable
from services.pricing.domain.tally import Tally, at_tally
from services.pricing.domain.team import ReleaseReason, Seat, SeatState, Team, seat_now


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a seat's price rests on; money in minor units. A seat that is gone or sponsored pays zero."""

    seat: Seat
    fill: int
    basis: Basis
    step: PriceStep
    list_price: int
    cap: int | None
    """None while the seat waits for room, or where it is sponsored."""
    unit_price: int
    final: bool
    """Whether the price cannot change any more."""
    tally_seq: int = 0
    """Tally the fill was read at, where the whole campaign fills the ladder."""

    @property
    def amount(self) -> int:
        """What the seat pays in all."""
        return self.unit_price * self.seat.quantity


def explain(team: Team, seat: Seat, table: PriceTable, tally: Tally | None = None) -> Explanation:
    """Explain a seat at the team's fill, or at its campaign's last tally; KeyError where the table lacks its row."""
    settled = _is_settled(team, table)
    team = at_tally(team, table.basis, tally)
    row = table.row(seat.sku, seat.role)
    if row is None:
        raise KeyError((seat.sku, seat.role))
    seat = seat_now(seat, team)
    step = row.at(team.fill)
    cap = None if seat.sponsored or not seat.cap_fill else seat.cap
    price = step.unit_price if cap is None else payable(step.unit_price, cap)
    return Explanation(
        seat,
        team.fill,
        table.basis,
        step,
        row.list_price,
        cap,
        unit_price=0 if seat.sponsored or seat.state.is_gone else price,
        final=settled or seat.sponsored or _is_gone_for_good(seat),
        tally_seq=team.tally_seq,
    )


def _is_settled(team: Team, table: PriceTable) -> bool:
    """Tell whether a team's prices cannot change any more: one may have formed and wait for its campaign's tally."""
    waits = table.basis.is_of_campaign and team.formed_version and not team.tally_seq
    return not team.state.is_open and not waits


def _is_gone_for_good(seat: Seat) -> bool:
    """Tell whether the seat cannot come back: one whose hold ran out can, if its money comes while there is room."""
    return seat.state is SeatState.DEFAULTED or seat.release_reason not in {None, ReleaseReason.EXPIRED}
