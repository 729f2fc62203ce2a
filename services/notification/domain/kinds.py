"""What each kind of message is to a member: whether it may be muted, whether it can wait, until when it asks for money.

SERVICE is what concerns the member's own seat, money and team; PROMOTION is what it has to ask for (opt in).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Final

from services.notification.domain.messages import Facts, HoldEnds, Joined, Kind, Settled, Starts, ToPay


class Concern(Enum):
    """Why a member is told. All but PROMOTION are SERVICE."""

    ANSWER = auto()
    """What it has just done itself: never muted, never held by quiet hours."""
    OWN = auto()
    """Its own seat or money: never muted; quiet hours hold it, unless money is asked for inside them."""
    TEAM = auto()
    """How its team gets on: may be muted, and held."""
    PLATFORM = auto()
    """What the platform writes itself: may be muted, and held."""
    GROUP = auto()
    """What a group chat is told, until somebody stops it."""
    PROMOTION = auto()
    """An offer: only for who opted in, only where the member agreed to it; may be muted, and held."""

    @property
    def may_be_muted(self) -> bool:
        """Whether a member may wish not to be told."""
        return self in {Concern.TEAM, Concern.PLATFORM, Concern.PROMOTION}

    @property
    def can_wait(self) -> bool:
        """Whether quiet hours may hold it."""
        return self is not Concern.ANSWER


CONCERNS: Final[Mapping[Kind, Concern]] = {
    Kind.JOINED: Concern.ANSWER,
    Kind.PRICE_FELL: Concern.TEAM,
    Kind.PRICE_ROSE: Concern.OWN,
    Kind.ONE_MISSING: Concern.TEAM,
    Kind.TIPPED: Concern.TEAM,
    Kind.UNTIPPED: Concern.TEAM,
    Kind.FORMED: Concern.OWN,
    Kind.FAILED: Concern.OWN,
    Kind.LEFT: Concern.ANSWER,
    Kind.LATE_PAYMENT: Concern.ANSWER,
    Kind.WAITLISTED: Concern.ANSWER,
    Kind.SEAT_FREE: Concern.OWN,
    Kind.PRICED_OUT: Concern.OWN,
    Kind.WAITED_IN_VAIN: Concern.OWN,
    Kind.REDUCED: Concern.ANSWER,
    Kind.WITHDRAWN: Concern.ANSWER,
    Kind.DEFAULTED: Concern.OWN,
    Kind.LEADING: Concern.OWN,
    Kind.CANCELLED: Concern.OWN,
    Kind.RESCHEDULED: Concern.OWN,
    Kind.PAYMENT_CHANGED: Concern.OWN,
    Kind.PAYMENT_DUE: Concern.OWN,
    Kind.SOMEONE_JOINED: Concern.TEAM,
    Kind.TIME_RUNNING_OUT: Concern.TEAM,
    Kind.HOLD_ENDING: Concern.OWN,
    Kind.ONE_SEAT_LEFT: Concern.TEAM,
    Kind.NUDGE: Concern.TEAM,
    Kind.REMINDER: Concern.OWN,
    Kind.PROMOTER_DAILY: Concern.TEAM,
    Kind.GROUP_CARD: Concern.GROUP,
    Kind.GROUP_ON: Concern.GROUP,
    Kind.GROUP_ENDED: Concern.GROUP,
    Kind.REFUND_DONE: Concern.OWN,
    Kind.PERSONAL: Concern.PLATFORM,
    Kind.ANNOUNCEMENT: Concern.PROMOTION,
    Kind.REPLY: Concern.ANSWER,
}


def deadline(facts: Facts) -> datetime | None:
    """Tell by when the member has to act or pay, None where it need not."""
    match facts:
        case Joined(hold_until=until):
            return until
        case Starts(starts_at=until):
            return until
        case HoldEnds(hold_until=until):
            return until
        case ToPay(pay_by=until):
            return until
        case Settled(due=due, pay_by=until) if due > 0:
            return until
        case _:
            return None
