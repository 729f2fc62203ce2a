"""A team and its seats as values, and the facts that change them."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from datetime import datetime
from uuid import UUID

from services.team_formation.domain.abuse import Signal
from services.team_formation.domain.campaign import Campaign, CountedIn, Rules, Terms
from services.team_formation.domain.payment_terms import PaymentTerms
from services.team_formation.domain.prices import NO_TALLY, Basis, Quote, Role, Tally
from services.team_formation.domain.values import Word, value


class TeamState(Word):
    """The life of a team."""

    FORMING = "FORMING"
    TIPPED = "TIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        """Whether it can be joined."""
        return self is TeamState.FORMING or self is TeamState.TIPPED


class SeatState(Word):
    """The life of a seat."""

    WAITING = "WAITING"
    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    DEFAULTED = "DEFAULTED"

    @property
    def is_live(self) -> bool:
        """Whether it counts against its member's limits."""
        return self is SeatState.HELD or self is SeatState.CONFIRMED or self is SeatState.WAITING

    @property
    def takes_room(self) -> bool:
        """Whether it counts against capacity and stock."""
        return self is SeatState.HELD or self is SeatState.CONFIRMED


class ReleaseReason(Word):
    """Why a seat was given back."""

    EXPIRED = "EXPIRED"
    LEFT = "LEFT"
    TEAM_FAILED = "TEAM_FAILED"
    TEAM_CANCELLED = "TEAM_CANCELLED"
    TEAM_ENDED = "TEAM_ENDED"
    PRICE_CHANGED = "PRICE_CHANGED"
    WITHDRAWN = "WITHDRAWN"


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
class Totals:
    """What fills a team, counted in members and in units."""

    confirmed_members: int = 0
    confirmed_units: int = 0
    held_members: int = 0
    held_units: int = 0
    waiting_members: int = 0
    waiting_units: int = 0
    sponsored_members: int = 0
    """Part of confirmed_members."""
    sponsored_units: int = 0
    """Part of confirmed_units."""

    def moved(self, before: SeatState | None, after: SeatState | None, units: int, members: int = 1) -> "Totals":
        """Count units of a seat out of one state and into another; states that fill nothing are left out."""
        confirmed = (after is SeatState.CONFIRMED) - (before is SeatState.CONFIRMED)
        held = (after is SeatState.HELD) - (before is SeatState.HELD)
        waiting = (after is SeatState.WAITING) - (before is SeatState.WAITING)
        return Totals(
            self.confirmed_members + confirmed * members,
            self.confirmed_units + confirmed * units,
            self.held_members + held * members,
            self.held_units + held * units,
            self.waiting_members + waiting * members,
            self.waiting_units + waiting * units,
            self.sponsored_members,
            self.sponsored_units,
        )

    def confirmed(self, counted_in: CountedIn) -> int:
        """Tell the confirmed fill."""
        return self.confirmed_members if counted_in is CountedIn.MEMBERS else self.confirmed_units

    def taken(self, counted_in: CountedIn) -> int:
        """Tell the held and confirmed fill."""
        held = self.held_members if counted_in is CountedIn.MEMBERS else self.held_units
        return self.confirmed(counted_in) + held

    def ladder_fill(self, basis: Basis) -> int:
        """Tell the team's own confirmed fill in a ladder's basis."""
        return self.confirmed_members if basis is Basis.TEAM_MEMBERS else self.confirmed_units


@value
class Seat:
    """One member's place; the cap is per unit, in minor units of the campaign's currency."""

    seat_id: UUID
    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    member_id: str
    sku: str
    quantity: int
    role: Role
    state: SeatState
    cap: int
    cap_fill: int
    held_at: datetime
    hold_until: datetime
    invite_id: UUID | None = None
    external_ref: str = ""
    payment_reference: str = ""
    confirmed_at: datetime | None = None
    released_at: datetime | None = None
    release_reason: ReleaseReason | None = None
    number: int = 0
    """The team's version at which it was taken or put on the waitlist: the order of seats."""
    sponsored: bool = False
    hold_extended: bool = False
    max_unit_price: int | None = None
    """What a waiting seat may cost at most when its turn comes."""
    updated_at: datetime | None = None
    cap_tally_seq: int = 0
    """Number of the tally at which its cap was read; 0 for none, and where the campaign does not fill the ladder."""
    quote: Quote | None = None
    """What it was taken with: its own price for ever, whoever leads."""
    cap_from_quote: bool = False
    """The quote's cap is lower than the price was."""
    promoter_id: str = ""
    """Who earns a commission by it; empty where nobody does."""
    commission_basis_points: int = 0
    flags: tuple[Signal, ...] = ()
    """Signs of abuse that its join showed, and that the campaign's rules mark seats with."""


@value
class Team:
    """People buying together."""

    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    terms_version: int
    state: TeamState
    version: int
    totals: Totals
    opened_at: datetime
    ends_at: datetime
    due_at: datetime
    """When somebody has to look at it again: no later than its end and the first hold to run out.

    Of a formed team in which somebody waits still: when nobody waits any longer.
    """
    opener_member_id: str
    external_ref: str = ""
    ended_at: datetime | None = None
    deadline: datetime | None = None
    """Its end if the campaign's does not come before; None for teams of 0.1.0, whose end does not move."""
    leader_seat_id: UUID | None = None
    overflow_team_id: UUID | None = None
    overflow_of: UUID | None = None
    match_key: str = ""
    formed_fill: int | None = None
    """What its final prices are read at; of campaign basis, None until the tally that fixes them is applied."""
    tally: Tally = NO_TALLY
    """The campaign's last tally where the whole campaign fills the ladder; stored with the campaign."""

    def price_fill(self, basis: Basis) -> int:
        """Tell the fill that its prices are read at: the confirmed one; once it has formed, the one it formed with."""
        if self.formed_fill is not None:
            return self.formed_fill
        return self.tally.units if basis is Basis.CAMPAIGN_UNITS else self.totals.ladder_fill(basis)

    def after_seat(self, totals: Totals, due_at: datetime) -> "Team":
        """Give the team one version later, with other totals and another time to be looked at.

        Every join makes one: dataclasses.replace would cost five times as much.
        """
        return Team(
            self.campaign_id,
            self.team_id,
            self.platform_id,
            self.terms_version,
            self.state,
            self.version + 1,
            totals,
            self.opened_at,
            self.ends_at,
            due_at,
            self.opener_member_id,
            self.external_ref,
            self.ended_at,
            self.deadline,
            self.leader_seat_id,
            self.overflow_team_id,
            self.overflow_of,
            self.match_key,
            self.formed_fill,
            self.tally,
        )


@value
class Fact:
    """Something that happened to a team, with the team as it stood right after."""

    kind: FactKind
    team: Team
    at: datetime
    seat: Seat | None = None
    previous_state: SeatState | None = None
    amount: int = 0
    payment_reference: str = ""
    after_expiry: bool = False
    totals_before: Totals | None = None
    units: int = 0
    reason: str = ""
    after_formed: bool = False
    below_minimum: bool = False
    from_waitlist: bool = False
    previous_seat_id: UUID | None = None
    imported_to: int = 0
    """Of TeamOpened: the last version of what had happened in another system; 0 for a team that was opened here."""


@value
class Refusal:
    """A rule said no."""

    reason: str
    metadata: dict[str, str] = field(default_factory=dict)


class Outcome(Word):
    """What became of a command."""

    SEAT = "SEAT"
    CONFIRMED = "CONFIRMED"
    REFUND_REQUIRED = "REFUND_REQUIRED"
    LEFT = "LEFT"
    WAITLISTED = "WAITLISTED"
    REDUCED = "REDUCED"
    EXTENDED = "EXTENDED"
    DEFAULTED = "DEFAULTED"
    SPONSORED = "SPONSORED"
    CANCELLED = "CANCELLED"
    NOTHING = "-"


@value
class Decision:
    """What a command led to: the team and seats to save, the facts to tell, the outcome or the refusal."""

    team: Team
    seats: tuple[Seat, ...] = ()
    facts: tuple[Fact, ...] = ()
    outcome: Outcome | Refusal = Outcome.NOTHING
    seat: Seat | None = None
    """The seat that the answer is about."""
    released: tuple[tuple[SeatState, ReleaseReason], ...] = ()
    """What the end of the team does to all its seats of a state, by one statement and one fact."""


@value
class Usage:
    """What a member has in a campaign: units and teams of live seats, and teams opened that did not come to nothing."""

    units: int = 0
    teams: int = 0
    opened: int = 0


@value
class Around:
    """What a decision about a team needs to know besides the team."""

    campaign: Campaign
    """As it is now."""
    terms: Terms
    """Those the team opened with."""
    now: datetime
    left: Mapping[str, int] = field(default_factory=dict)
    """Units left, per SKU that has stock."""
    tally: Tally = NO_TALLY
    """The campaign's last tally, where the whole campaign fills the ladder."""
    used_quotes: AbstractSet[UUID] = frozenset()
    """Quotes that the campaign has taken, of those that are asked for."""


def waitlist_stays(rules: Rules) -> PaymentTerms | None:
    """Give the payment terms where who waits when a team forms goes on waiting."""
    terms = rules.payment_terms
    return terms if terms and terms.fills_from_waitlist else None


def hold_end(rules: Rules, team: Team, now: datetime) -> datetime:
    """Tell until when a seat is kept: its lifetime, at most the team's end."""
    return min(now + rules.hold_lifetime, team.ends_at)
