"""The copy of teams: what an event changes in it, and whom a change of the whole team concerns."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from services.notification.domain.seats import Contradiction, SeatFact, SeatMoved

_FEW = 2
_NO_NEWS = timedelta(minutes=1)
"""An end that moves to this much later is no news."""


class TeamState(StrEnum):
    """Where a team stands; UNKNOWN until its opening was seen."""

    UNKNOWN = "UNKNOWN"
    FORMING = "FORMING"
    TIPPED = "TIPPED"
    FORMED = "FORMED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def gives_back(self) -> bool:
        """Whether every seat was given back when it came."""
        return self is TeamState.FAILED or self is TeamState.CANCELLED

    @property
    def has_ended(self) -> bool:
        """Whether nobody can join any more."""
        return self is TeamState.FORMED or self.gives_back


class PaymentMode(StrEnum):
    """How members pay."""

    COMMIT = "COMMIT"
    HOLD = "HOLD"
    PREPAID = "PREPAID"
    PAY_ON_DELIVERY = "PAY_ON_DELIVERY"

    @property
    def brings_money(self) -> bool:
        """Whether a confirmed member has paid or authorised something."""
        return self is PaymentMode.HOLD or self is PaymentMode.PREPAID


class CountedIn(StrEnum):
    """What a team's minimum is counted in."""

    MEMBERS = "MEMBERS"
    UNITS = "UNITS"


class Audience(StrEnum):
    """Which seats of a team a change of it concerns, as they stood at its version."""

    COUNTED = "COUNTED"
    """Confirmed ones."""
    WAITING = "WAITING"
    """Those that wait for room."""
    LIVE = "LIVE"
    """Confirmed, held and waiting ones."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a campaign is called in one language (BCP 47)."""

    language: str
    title: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a team keeps from its opening to its end, as far as messages need it; only `ends_at` may move."""

    texts: tuple[Text, ...]
    seller: str
    checkout_url: str
    time_zone: str
    payment_mode: PaymentMode
    counted_in: CountedIn
    minimum: int
    currency: str
    ends_at: datetime
    leader_reward: int = 0
    """What the leader of a formed team gets besides its price, minor units."""
    ladder_version: int = 0
    """Of its price table."""
    of_campaign: bool = False
    """All teams of the campaign together fill its ladder."""
    maximum: int = 0
    """The team's room, in what the minimum is counted in; 0 where it is not known."""
    imported_to: int = 0
    """The last version of what had happened in another system, of which no member is told; 0: it was opened here."""

    def fill(self, members: int, units: int) -> int:
        """Choose of both counts the one that the minimum is counted in."""
        return units if self.counted_in is CountedIn.UNITS else members


@dataclass(frozen=True, slots=True)
class TurnedTo:
    """The team became certain (TIPPED), or is so no longer (FORMING)."""

    state: TeamState


@dataclass(frozen=True, slots=True)
class Sponsored:
    """The platform filled a place, which is nobody's."""


@dataclass(frozen=True, slots=True)
class Rescheduled:
    """The team's end moved."""

    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The team formed or failed; who waited for room waits no longer."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The platform gave the team up; `reason` is what members may be told, or empty."""

    reason: str
    after_formed: bool


Change: TypeAlias = Opened | SeatMoved | TurnedTo | Sponsored | Rescheduled | Ended | Cancelled


@dataclass(frozen=True, slots=True)
class TeamFact:
    """One event of a team; `change` is None where only version and state move. Counts are those after it."""

    event_id: UUID
    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    version: int
    state: TeamState
    confirmed_members: int
    confirmed_units: int
    change: Change | None = None
    waiting: int = 0
    sponsored: int = 0
    taken_members: int = 0
    """Held and confirmed."""
    taken_units: int = 0


@dataclass(frozen=True, slots=True)
class Team:
    """The copy of one team; version 0 until its opening was seen."""

    platform_id: UUID
    campaign_id: UUID
    team_id: UUID
    version: int = 0
    state: TeamState = TeamState.UNKNOWN
    fill: int = 0
    """Confirmed fill, counted as the minimum is."""
    fill_version: int = 0
    """The version at which the confirmed fill last changed; 0 where the whole campaign fills the ladder.

    What is told of its price names a tally then, and is not compared with versions.
    """
    waiting: int = 0
    """Members who wait for room."""
    sponsored: int = 0
    """Places that the platform filled; they stay, also when the team is given up."""
    end_version: int = 0
    """The version at which the end last moved."""
    opened: Opened | None = None
    taken: int = 0
    """Held and confirmed, counted as the minimum is."""


def leaves_one(fact: TeamFact, opened: Opened) -> bool:
    """Tell whether an event took a place and left one, of a team that is larger than two."""
    moved = isinstance(fact.change, SeatMoved) and fact.change.fact in {SeatFact.HELD, SeatFact.SEATED}
    left = opened.maximum - opened.fill(fact.taken_members, fact.taken_units)
    return moved and left == 1 and opened.maximum > _FEW


def advance(team: Team, fact: TeamFact) -> Team | Contradiction | None:
    """Apply an event to the copy; None where it changes nothing: seen before, or the opening was never seen."""
    if team.platform_id != fact.platform_id:
        return Contradiction("the team belongs to another platform")
    if fact.version <= team.version:
        return None
    opened = team.opened
    if isinstance(fact.change, Opened):
        if opened:
            return Contradiction("the team was opened before")
        opened = fact.change
    if opened is None:
        return None
    moved = isinstance(fact.change, Rescheduled)
    return replace(
        team,
        version=fact.version,
        state=TeamState.CANCELLED if _is_given_up(team, fact) else fact.state,
        fill=opened.fill(fact.confirmed_members, fact.confirmed_units),
        fill_version=fact.version if _fills(fact.change) and not opened.of_campaign else team.fill_version,
        waiting=fact.waiting,
        taken=opened.fill(fact.taken_members, fact.taken_units),
        sponsored=max(team.sponsored, fact.sponsored),
        end_version=fact.version if moved else team.end_version,
        opened=replace(opened, ends_at=fact.change.ends_at) if isinstance(fact.change, Rescheduled) else opened,
    )


def _is_given_up(team: Team, fact: TeamFact) -> bool:
    """Tell whether its members have no seat any more, for good: a team may stay formed though each is cancelled."""
    return isinstance(fact.change, Cancelled) or team.state is TeamState.CANCELLED


def _fills(change: Change | None) -> bool:
    return isinstance(change, Sponsored) or (isinstance(change, SeatMoved) and change.fills)


def audience(change: Change | None) -> Audience | None:
    """Tell which seats a change of the whole team concerns; None where it is not of the whole team."""
    match change:
        case TurnedTo() | SeatMoved():
            return Audience.COUNTED
        case Ended():
            return Audience.WAITING
        case Rescheduled():
            return Audience.LIVE
        case Cancelled():
            # Whoever waited or only held when the team formed was released then.
            return Audience.COUNTED if change.after_formed else Audience.LIVE
        case _:
            return None


def is_news(change: Change | None, before: Team) -> bool:
    """Tell whether anybody may have to be told of a change of the whole team; `before` is the team without it.

    Of seats `leaves_one` tells.
    """
    match change:
        case SeatMoved():
            return False
        case Ended():
            return before.waiting > 0
        case Rescheduled() if before.opened:
            later = change.ends_at - before.opened.ends_at
            return later > _NO_NEWS or later < timedelta()
        case Cancelled() if before.state is TeamState.CANCELLED:
            return False  # every seat was cancelled below the minimum, which was told; the platform gives up the rest
        case _:
            return audience(change) is not None
