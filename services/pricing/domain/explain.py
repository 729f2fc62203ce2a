"""Why a seat is priced as it is, as data."""

from dataclasses import dataclass

from services.pricing.domain.price import Basis, PriceStep, PriceTable, payable
from services.pricing.domain.team import ReleaseReason, Seat, SeatState, Team, seat_now


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a seat's price rests on; money in minor units. A seat that was given back pays zero."""

    seat: Seat
    fill: int
    basis: Basis
    step: PriceStep
    list_price: int
    cap: int
    unit_price: int
    final: bool
    """Whether the price cannot change any more."""

    @property
    def amount(self) -> int:
        """What the seat pays in all."""
        return self.unit_price * self.seat.quantity


def explain(team: Team, seat: Seat, table: PriceTable) -> Explanation:
    """Explain a seat at the team's fill; KeyError where the table lacks its row."""
    row = table.row(seat.sku, seat.role)
    if row is None:
        raise KeyError((seat.sku, seat.role))
    seat = seat_now(seat, team)
    step = row.at(team.fill)
    released = seat.state is SeatState.RELEASED
    return Explanation(
        seat,
        team.fill,
        table.basis,
        step,
        row.list_price,
        seat.cap,
        unit_price=0 if released else payable(step.unit_price, seat.cap),
        final=not team.state.is_open or seat.release_reason is ReleaseReason.LEFT,
    )
