"""What is still true of a message when its turn comes: what is no longer true is not sent."""

from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.messages import Kind
from services.notification.domain.seats import SeatState
from services.notification.domain.teams import TeamState

_GIVEN_BACK = "the seat was given back"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a delivery, its team and its seat when its turn comes."""

    kind: Kind
    team_version: int
    channel: str
    attempts: int
    created_at: datetime
    team_state: TeamState
    fill_version: int
    end_version: int
    seat_state: SeatState | None
    reduced_version: int | None
    newer_price: bool
    """There is a newer message about the price for the member (or, for ONE_MISSING, one that says the same)."""
    newer_card: bool = False
    """There is a newer card for the group, or a newer message about the team's end."""
    asks_to_join: bool = False
    """It is the card of a team that was open."""
    places_left: int | None = None
    """Places that are free in the team; None where it is not known."""
    paid: bool = False
    """The money that the message asks for has come."""
    team_waits: bool = False
    """Somebody waits in the team: where it has formed, for a place that is not paid."""
    deadline: datetime | None = None
    """By when the member has to act or pay, if it has to."""
    window_ends: datetime | None = None
    """Until when the platform wants no other message of the kind to the member about the team."""

    @property
    def waits(self) -> bool:
        """Whether the member waits still."""
        return self.seat_state is SeatState.WAITING and (self.team_waits or not self.team_state.has_ended)

    @property
    def is_gone(self) -> bool:
        """Whether the seat is live no longer: by an event of its own, or by the one that ended its team."""
        match self.seat_state:
            case SeatState.RELEASED | SeatState.DEFAULTED:
                return True
            case SeatState.WAITING:
                return not self.waits
            case _:
                return self.team_state.gives_back


def no_longer_true(standing: Standing, now: datetime) -> str | None:  # noqa: PLR0911 - a table
    """Say why a message is pointless or wrong by now; None where it is true, as what tells of the past always is."""
    match standing.kind:
        case Kind.PRICE_FELL | Kind.PRICE_ROSE | Kind.ONE_MISSING:
            return _price_is_old(standing)
        case Kind.SOMEONE_JOINED:
            return _joins_are_old(standing)
        case Kind.TIME_RUNNING_OUT | Kind.HOLD_ENDING | Kind.NUDGE | Kind.ONE_SEAT_LEFT:
            return _reminder_is_old(standing)
        case Kind.TIPPED | Kind.UNTIPPED:
            return _turned_again(standing)
        case Kind.WAITLISTED:
            return None if standing.waits else "the member waits no longer"
        case Kind.PAYMENT_DUE if standing.paid:
            return "the payment has come"
        case Kind.RESCHEDULED:
            return _end_is_old(standing)
        case Kind.REDUCED if (standing.reduced_version or 0) > standing.team_version:
            return "another part was given back since"
        case Kind.JOINED | Kind.SEAT_FREE | Kind.REDUCED | Kind.LEADING | Kind.FORMED | Kind.PAYMENT_DUE:
            return _GIVEN_BACK if standing.is_gone else None
        case _:
            return _group_is_told_otherwise(standing) or _began(standing, now)


def _began(standing: Standing, now: datetime) -> str | None:
    over = standing.kind is Kind.REMINDER and standing.deadline is not None and standing.deadline <= now
    return "the campaign has started" if over else None


def _group_is_told_otherwise(standing: Standing) -> str | None:
    if standing.newer_card:
        return "a newer one says how the team stands"
    if standing.asks_to_join and standing.team_state.has_ended:
        return "the team has ended"
    if standing.kind is Kind.GROUP_ON and standing.team_state is not TeamState.TIPPED:
        return "the team is not certain any more, or has ended"
    return None


def _price_is_old(standing: Standing) -> str | None:
    if standing.team_state.has_ended:
        return "the team has ended"
    if standing.seat_state is not SeatState.CONFIRMED:
        return "the member left"
    if standing.newer_price:
        return "a newer message states the price"
    if standing.kind is Kind.ONE_MISSING and standing.fill_version > standing.team_version:
        return "the team has changed since"
    return None


def _joins_are_old(standing: Standing) -> str | None:
    if standing.team_state.has_ended:
        return "the team has ended"
    return None if standing.seat_state is SeatState.CONFIRMED else "the member left"


def _reminder_is_old(standing: Standing) -> str | None:
    if standing.kind is Kind.HOLD_ENDING:
        return None if standing.seat_state is SeatState.HELD else "the seat is held no longer"
    if standing.kind is Kind.ONE_SEAT_LEFT and standing.places_left not in {None, 1}:
        return "the last place is taken, or more are free"
    return "the end moved" if standing.end_version > standing.team_version else _joins_are_old(standing)


def _turned_again(standing: Standing) -> str | None:
    if standing.kind is Kind.UNTIPPED and standing.team_state is not TeamState.FORMING:
        return "the team is certain again, or has ended"
    if standing.kind is Kind.TIPPED and (standing.team_state is TeamState.FORMING or standing.team_state.gives_back):
        return "the team is not certain any more"
    return "the member left" if standing.is_gone else None


def _end_is_old(standing: Standing) -> str | None:
    if standing.team_state.has_ended:
        return "the team has ended"
    if standing.end_version > standing.team_version:
        return "the end moved again"
    return _GIVEN_BACK if standing.is_gone else None
