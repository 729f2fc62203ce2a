"""Why a seat, or each item and role of a team, is priced as it is, as data."""

from dataclasses import dataclass

from services.pricing.domain.ladder import WHOLE
from services.pricing.domain.price import Basis, DiscountKind, PriceRow, PriceStep, PriceTable, payable
from services.pricing.domain.tally import Tally, at_tally
from services.pricing.domain.team import ReleaseReason, Seat, SeatState, Team, seat_now


@dataclass(frozen=True, slots=True)
class Priced:
    """The price of one item and role at a fill."""

    row: PriceRow
    step: PriceStep

    @property
    def exact(self) -> tuple[int, int]:
        """The step's price before it was rounded: numerator and denominator, minor units; by ladder.py's formulas."""
        discount = self.step.discount
        if discount is None or discount.kind is not DiscountKind.BASIS_POINTS_OFF:
            return self.step.unit_price, 1
        return self.row.list_price * (WHOLE - discount.value), WHOLE


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
    row: PriceRow
    cap_row: PriceRow | None
    """The row the cap was read in; None where there is no cap."""
    team_version: int
    fill_version: int
    """The team's version that set the fill."""
    tally_seq: int = 0
    """Tally the fill was read at, where the whole campaign fills the ladder."""
    refused: int = 0
    """Units that were refused at the door, and owe nothing."""

    @property
    def units(self) -> int:
        """The units that stay."""
        return self.seat.quantity - self.refused

    @property
    def price(self) -> int:
        """What a unit costs this seat at the fill, before its cap: by its own steps, where it has some."""
        return self.seat.price(self.row, self.fill)

    @property
    def priced(self) -> Priced:
        """The row and the step that holds."""
        return Priced(self.row, self.step)

    @property
    def amount(self) -> int:
        """What the seat pays in all."""
        return self.unit_price * self.units


def explain(team: Team, seat: Seat, table: PriceTable, tally: Tally | None = None, *, refused: int = 0) -> Explanation:
    """Explain a seat at the team's fill, or at its campaign's last tally; KeyError where the table lacks its row."""
    settled = _is_settled(team, table)
    team = at_tally(team, table.basis, tally)
    row = table.row(seat.sku, seat.role)
    if row is None:
        raise KeyError((seat.sku, seat.role))
    seat = seat_now(seat, team)
    step = row.at(team.fill)
    cap = None if seat.sponsored or not seat.cap_fill else seat.cap
    own = seat.price(row, team.fill)
    price = own if cap is None else payable(own, cap)
    return Explanation(
        seat,
        team.fill,
        table.basis,
        step,
        row.list_price,
        cap,
        unit_price=0 if seat.sponsored or seat.state.is_gone else price,
        # who waits for a place in a formed team owes nothing yet, and may never
        final=(settled and seat.state is not SeatState.WAITING) or seat.sponsored or _is_gone_for_good(seat),
        row=row,
        cap_row=None if cap is None else table.row(seat.sku, seat.cap_role or seat.role),
        team_version=team.version,
        fill_version=team.fill_version,
        tally_seq=team.tally_seq,
        refused=refused,
    )


def _is_settled(team: Team, table: PriceTable) -> bool:
    """Tell whether a team's prices cannot change any more: one may have formed and wait for its campaign's tally."""
    waits = table.basis.is_of_campaign and team.formed_version and not team.tally_seq
    return not team.state.is_open and not waits


@dataclass(frozen=True, slots=True)
class TeamExplanation:
    """What the prices of a team rest on at one of its versions."""

    team: Team
    version: int
    fill: int
    fill_version: int
    prices: tuple[Priced, ...]

    @property
    def final(self) -> bool:
        """Whether the prices of this version are those of the team's end."""
        return not self.team.state.is_open and self.version >= prices_end(self.team)

    @property
    def tally_seq(self) -> int:
        """Tally the fill was read at, where the whole campaign fills the ladder; 0 elsewhere."""
        return self.team.tally_seq


def prices_end(team: Team) -> int:
    """Tell the version from which the prices of a team stand still; one that was not reached while it is open."""
    if team.state.is_open:
        return team.version + 1
    return team.formed_version or team.ended_version or team.version


def explain_team(team: Team, table: PriceTable, version: int, fill: int, fill_version: int) -> TeamExplanation:
    """Explain the price of every item and role at a version and the fill it had; from its end on, at the last fill."""
    if version >= prices_end(team):
        fill, fill_version = team.fill, team.fill_version
    prices = tuple(Priced(row, row.at(fill)) for row in table.rows)
    return TeamExplanation(team, version, fill, fill_version, prices)


def _is_gone_for_good(seat: Seat) -> bool:
    """Tell whether the seat cannot come back: one whose hold ran out can, if its money comes while there is room."""
    return seat.state is SeatState.DEFAULTED or seat.release_reason not in {None, ReleaseReason.EXPIRED}
