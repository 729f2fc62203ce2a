"""Teams and seats as pricing knows them from team_formation's events."""

from uuid import UUID

from services.pricing.domain.own_price import OwnStep, own_price
from services.pricing.domain.price import Basis, PriceRow, Role
from services.pricing.domain.values import Word, changed, value


class PaymentMode(Word):
    """What a member commits to before the team is formed, and how the money moves after."""

    COMMIT = "COMMIT"
    HOLD = "HOLD"
    PREPAID = "PREPAID"
    PAY_ON_DELIVERY = "PAY_ON_DELIVERY"


class TeamState(Word):
    """The life of a team."""

    FORMING = "FORMING"
    TIPPED = "TIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        """Whether its price can still change."""
        return self is TeamState.FORMING or self is TeamState.TIPPED


class SeatState(Word):
    """The life of a seat."""

    WAITING = "WAITING"
    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    DEFAULTED = "DEFAULTED"

    @property
    def is_gone(self) -> bool:
        """Whether the seat has no place any more, and pays nothing."""
        return self is SeatState.RELEASED or self is SeatState.DEFAULTED


class ReleaseReason(Word):
    """Why a seat was given back."""

    EXPIRED = "EXPIRED"
    LEFT = "LEFT"
    TEAM_FAILED = "TEAM_FAILED"
    TEAM_CANCELLED = "TEAM_CANCELLED"
    TEAM_ENDED = "TEAM_ENDED"
    PRICE_CHANGED = "PRICE_CHANGED"
    WITHDRAWN = "WITHDRAWN"


@value
class Seat:
    """One member's place, or a place that the platform sponsors; the cap is per unit, in minor units."""

    campaign_id: UUID
    seat_id: UUID
    team_id: UUID
    platform_id: UUID
    member_id: str
    sku: str
    role: Role
    """Whose price row it pays by; kept as it was when the team ended."""
    quantity: int
    cap: int
    cap_fill: int
    """Fill the cap was read at; 0 while it waits for room and has none."""
    state: SeatState
    release_reason: ReleaseReason | None = None
    payment_reference: str = ""
    number: int = 0
    """The team's version at which it was taken: the order of seats."""
    sponsored: bool = False
    """The platform filled this place; it counts as confirmed, owes nothing and has no settlement line."""
    cap_role: Role | None = None
    """Role the cap was read with, where the seat has had another since."""
    formed_quantity: int | None = None
    """Units it had when the team formed, where the seat has changed since."""
    cap_tally_seq: int = 0
    """Tally the cap was read at, where the whole campaign fills the ladder; 0 before the first."""
    own_steps: tuple[OwnStep, ...] = ()
    """Its own price at every fill, from a quote with a coupon: for ever, whoever leads. None: the table's hold."""
    cap_from_quote: bool = False
    """The cap is a quote's promise, lower than the price was."""
    promoter_id: str = ""
    """Who earns a commission by it; empty where nobody does."""
    commission_basis_points: int = 0
    leader_reward: int = 0
    """What the platform gives for it besides its price, minor units; only for the leader's, once the team formed."""

    def price(self, row: PriceRow, fill: int) -> int:
        """Tell what a unit costs it at a fill, before the cap: by its own steps, else by its row; minor units."""
        return own_price(self.own_steps, fill).unit_price if self.own_steps else row.at(fill).unit_price

    @property
    def committed(self) -> int:
        """What was paid, authorised or promised for a confirmed seat: cap times quantity, minor units."""
        return self.cap * self.quantity


@value
class Totals:
    """What fills a team, counted in members and in units; sponsored seats are confirmed ones too."""

    confirmed_members: int = 0
    confirmed_units: int = 0
    held_members: int = 0
    held_units: int = 0
    waiting_members: int = 0
    waiting_units: int = 0
    sponsored_members: int = 0
    sponsored_units: int = 0

    def moved(self, before: Seat | None, after: Seat) -> "Totals":
        """Count a seat out as it was, and in as it is."""
        out = (0,) * 8 if before is None else _counts(before)
        into = _counts(after)
        return Totals(
            self.confirmed_members + into[0] - out[0],
            self.confirmed_units + into[1] - out[1],
            self.held_members + into[2] - out[2],
            self.held_units + into[3] - out[3],
            self.waiting_members + into[4] - out[4],
            self.waiting_units + into[5] - out[5],
            self.sponsored_members + into[6] - out[6],
            self.sponsored_units + into[7] - out[7],
        )

    def fill(self, basis: Basis) -> int:
        """Tell the confirmed fill in a ladder's basis; of a ladder that the campaign fills, this team's part of it."""
        return self.confirmed_members if basis is Basis.TEAM_MEMBERS else self.confirmed_units

    @property
    def paying_members(self) -> int:
        """Confirmed seats that owe something: those that have settlement lines."""
        return self.confirmed_members - self.sponsored_members


def _counts(seat: Seat) -> tuple[int, ...]:
    """Count one seat, in the order of the fields of Totals."""
    units = seat.quantity
    match seat.state:
        case SeatState.CONFIRMED:
            sponsored = (1, units) if seat.sponsored else (0, 0)
            return (1, units, 0, 0, 0, 0, *sponsored)
        case SeatState.HELD:
            return (0, 0, 1, units, 0, 0, 0, 0)
        case SeatState.WAITING:
            return (0, 0, 0, 0, 1, units, 0, 0)
        case _:
            return (0,) * 8


@value
class Team:
    """People buying together, at the last version seen."""

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    merchant_id: str
    payment_mode: PaymentMode
    ladder_version: int
    state: TeamState
    version: int
    totals: Totals
    fill: int
    """Fill that prices are read at: the confirmed fill, kept as it was when the team ended."""
    fill_version: int
    """Version that set the fill."""
    ended_version: int | None = None
    """Version that ended it; of one that formed, and was cancelled later or had every seat cancelled, that version."""
    formed_version: int | None = None
    price_sequence: int = 0
    settlement_sequence: int = 0
    """Settlement events that were told or are promised to a job."""
    tally_seq: int = 0
    """Tally whose units are the fill, where the whole campaign fills the ladder; 0 until the team has formed."""

    @property
    def seats_cancelled(self) -> bool:
        """Whether it formed, and every seat was cancelled since because too few of them paid."""
        return self.state is TeamState.FORMED and self.ended_version != self.formed_version


def seat_now(seat: Seat, team: Team) -> Seat:
    """Give a seat as it stands: the end of a team releases seats by that one fact, and their rows stay as they were."""
    reason = _released_by_end(seat.state, team)
    return changed(seat, state=SeatState.RELEASED, release_reason=reason) if reason else seat


def _released_by_end(state: SeatState, team: Team) -> ReleaseReason | None:
    if team.state.is_open or state.is_gone or (state is SeatState.WAITING and team.totals.waiting_members):
        return None
    if state is SeatState.WAITING and (team.state is not TeamState.CANCELLED or team.formed_version):
        return ReleaseReason.TEAM_ENDED
    if team.state is TeamState.CANCELLED or team.seats_cancelled:
        return ReleaseReason.TEAM_CANCELLED
    return ReleaseReason.TEAM_FAILED if team.state is TeamState.FAILED else None
