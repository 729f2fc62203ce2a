"""Each kind of message, and the facts that it states."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from services.notification.domain.teams import TeamState


class Kind(StrEnum):
    """What a message is about."""

    JOINED = "JOINED"
    PRICE_FELL = "PRICE_FELL"
    PRICE_ROSE = "PRICE_ROSE"
    ONE_MISSING = "ONE_MISSING"
    TIPPED = "TIPPED"
    UNTIPPED = "UNTIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"
    LEFT = "LEFT"
    LATE_PAYMENT = "LATE_PAYMENT"
    WAITLISTED = "WAITLISTED"
    SEAT_FREE = "SEAT_FREE"
    PRICED_OUT = "PRICED_OUT"
    WAITED_IN_VAIN = "WAITED_IN_VAIN"
    REDUCED = "REDUCED"
    WITHDRAWN = "WITHDRAWN"
    DEFAULTED = "DEFAULTED"
    LEADING = "LEADING"
    CANCELLED = "CANCELLED"
    RESCHEDULED = "RESCHEDULED"
    PAYMENT_CHANGED = "PAYMENT_CHANGED"
    PAYMENT_DUE = "PAYMENT_DUE"
    SOMEONE_JOINED = "SOMEONE_JOINED"
    TIME_RUNNING_OUT = "TIME_RUNNING_OUT"
    HOLD_ENDING = "HOLD_ENDING"
    ONE_SEAT_LEFT = "ONE_SEAT_LEFT"
    NUDGE = "NUDGE"
    REMINDER = "REMINDER"
    PROMOTER_DAILY = "PROMOTER_DAILY"
    GROUP_CARD = "GROUP_CARD"
    GROUP_ON = "GROUP_ON"
    GROUP_ENDED = "GROUP_ENDED"
    REFUND_DONE = "REFUND_DONE"
    PERSONAL = "PERSONAL"
    ANNOUNCEMENT = "ANNOUNCEMENT"
    REPLY = "REPLY"


OWN_WORDS = frozenset({Kind.PERSONAL, Kind.ANNOUNCEMENT, Kind.REPLY})
"""Kinds in the platform's own words: of no team, without a template."""
PRICE_KINDS = (Kind.PRICE_FELL, Kind.PRICE_ROSE, Kind.ONE_MISSING)


@dataclass(frozen=True, slots=True)
class Joined:
    """A seat is kept. Amounts of every kind are per unit and in minor units; a message shows them times quantity."""

    quantity: int
    cap: int
    hold_until: datetime


@dataclass(frozen=True, slots=True)
class PriceMoved:
    """What the member would pay changed: before, now, and at the next tier, `missing` more away (0: the last)."""

    quantity: int
    before: int
    now: int
    next: int
    missing: int
    cap: int
    of_campaign: bool = False
    """All teams of the campaign together move the price."""


@dataclass(frozen=True, slots=True)
class OneMissing:
    """One more lowers what the member pays from `now` to `next`."""

    quantity: int
    now: int
    next: int
    cap: int
    of_campaign: bool = False
    """One more in any team of the campaign."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The team became certain, or lacks `missing` of its minimum again; the platform filled `sponsored` places."""

    quantity: int
    cap: int
    missing: int
    sponsored: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What one seat owes or gets back: all but `unit_price` are totals of the line, in minor units.

    Below zero are quantity, `captured`, `kept` and `due` of a line that takes back what was charged before.
    """

    quantity: int
    unit_price: int
    due: int
    captured: int
    kept: int
    voided: int
    refunded: int
    sponsored: int = 0
    pay_by: datetime | None = None
    """Until when `due` may be paid; None where nobody said."""

    @property
    def moves_money(self) -> bool:
        """Whether the member sees anything of it: a charge, something coming back, or another amount due."""
        return self.captured > 0 or self.voided > 0 or self.refunded > 0 or self.due != 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The member waits for room for so many units, or does no longer."""

    quantity: int


@dataclass(frozen=True, slots=True)
class Reduced:
    """Of the member's seat `quantity` units remain and `units` were given back; `cap` is 0 while it waits."""

    quantity: int
    units: int
    cap: int
    paid: bool
    """Something was paid or authorised for the units: what comes back is told by a message of its own."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A seat ended, though not by the team's ordinary end; `reason` is the platform's, in its own words, or empty."""

    quantity: int
    paid: bool
    """Something was paid or authorised for it: what comes back is told by a message of its own."""
    waiting: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Leading:
    """The member leads the team from now on; `reward` is what the leader of a formed team gets, 0 for nothing."""

    quantity: int
    cap: int
    reward: int


@dataclass(frozen=True, slots=True)
class EndMoved:
    """The team is open until another time than was said before."""

    quantity: int
    open_until: datetime


@dataclass(frozen=True, slots=True)
class ToPay:
    """What was authorised could not be charged: `amount`, in all, has to be paid in another way until a time."""

    amount: int
    pay_by: datetime


@dataclass(frozen=True, slots=True)
class Joins:
    """So many others joined the team since the member was last told, never who."""

    joined: int


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The team is open until then only; `missing` of its minimum are missing, 0 where it is certain."""

    open_until: datetime
    missing: int


@dataclass(frozen=True, slots=True)
class OneLeft:
    """One place of the team is free, and open until then."""

    open_until: datetime


@dataclass(frozen=True, slots=True)
class Starts:
    """The campaign starts then, of which the member wanted to be reminded."""

    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Brought:
    """What a promoter's links brought since the last summary: seats confirmed, and confirmed ones that are no more."""

    joined: int
    left: int


@dataclass(frozen=True, slots=True)
class Card:
    """How a team stands, told to a group chat, which is not told who is in it."""

    state: TeamState
    joined: int
    missing: int
    """Of the minimum."""
    left: int
    """Free places; 0 where the team is full, or its room is not known."""
    open_until: datetime
    link: str
    stop: str
    """Where anybody can have these posts stopped; empty where no address takes that."""
    now: int = 0
    """The lowest unit price of who joins now; 0 where it is not known."""
    several: bool = False
    """Items differ in it."""
    best: int = 0
    """The lowest unit price that it can fall to; 0 where it is there already, or that is not known."""


@dataclass(frozen=True, slots=True)
class HoldEnds:
    """The seat is kept until then only, and not confirmed."""

    quantity: int
    hold_until: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    """So much, in all, has gone back to the member."""

    amount: int


Facts: TypeAlias = (
    Joined
    | PriceMoved
    | OneMissing
    | Turned
    | Settled
    | Waiting
    | Reduced
    | GivenUp
    | Leading
    | EndMoved
    | ToPay
    | Joins
    | TimeLeft
    | OneLeft
    | Starts
    | Brought
    | Card
    | HoldEnds
    | Refunded
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one member, before it is put into words."""

    cause_event_id: UUID
    team_version: int
    """Of a price that the whole campaign moves, the number of the tally."""
    kind: Kind
    seat_id: UUID
    member_id: str
    facts: Facts
