"""What team_formation tells of a team, as values."""

from datetime import datetime
from uuid import UUID

from services.pricing.domain.payment_terms import PaymentTerms
from services.pricing.domain.price import PriceTable
from services.pricing.domain.team import PaymentMode, Seat, SeatState, TeamState, Totals
from services.pricing.domain.values import Word, value


class FactKind(Word):
    """What can happen to a team; each is one event and one version."""

    TEAM_OPENED = "TeamOpened"
    SEAT_HELD = "SeatHeld"
    SEAT_CONFIRMED = "SeatConfirmed"
    SEAT_RELEASED = "SeatReleased"
    TEAM_TIPPED = "TeamTipped"
    TEAM_UNTIPPED = "TeamUntipped"
    TEAM_FORMED = "TeamFormed"
    TEAM_FAILED = "TeamFailed"
    LATE_PAYMENT_REPORTED = "LatePaymentReported"
    SEAT_WAITLISTED = "SeatWaitlisted"
    SEAT_REDUCED = "SeatReduced"
    HOLD_EXTENDED = "HoldExtended"
    SEAT_DEFAULTED = "SeatDefaulted"
    SEAT_SPONSORED = "SeatSponsored"
    LEADER_CHANGED = "LeaderChanged"
    TEAM_CANCELLED = "TeamCancelled"
    TEAM_RESCHEDULED = "TeamRescheduled"


@value
class Opened:
    """What TeamOpened carries."""

    merchant_id: str
    payment_mode: PaymentMode
    table: PriceTable
    payment_terms: PaymentTerms | None = None
    """None where nothing lapses."""


@value
class LeaderReward:
    """What the platform gives the leader of a team that formed, besides its price; minor units."""

    seat_id: UUID
    amount: int


@value
class TeamFact:
    """One event of a team. The seat is as it stands after the fact; amounts are in minor units of `currency`."""

    kind: FactKind
    event_id: UUID
    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    version: int
    at: datetime
    totals: Totals
    state: TeamState
    currency: str = ""
    opened: Opened | None = None
    seat: Seat | None = None
    previous_state: SeatState | None = None
    amount: int = 0
    payment_reference: str = ""
    after_expiry: bool = False
    totals_at_end: Totals | None = None
    units: int = 0
    """Units given back of a seat that keeps the rest."""
    after_formed: bool = False
    below_minimum: bool = False
    """Every seat of a formed team is cancelled, and the team stays formed."""
    from_waitlist: bool = False
    reward: LeaderReward | None = None
