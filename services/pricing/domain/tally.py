"""What a campaign counts over all its teams: each event changes it by a difference, and differences add up."""

from dataclasses import dataclass, replace
from datetime import datetime
from operator import add
from typing import NamedTuple
from uuid import UUID

from services.pricing.domain.fact import FactKind, TeamFact
from services.pricing.domain.price import Basis
from services.pricing.domain.team import ReleaseReason, Team, Totals


class Counts(NamedTuple):
    """Counts over the teams of a campaign, or a difference of them: since the start, but for those named `now`."""

    teams_opened: int = 0
    teams_formed: int = 0
    teams_failed: int = 0
    teams_cancelled: int = 0
    seats_held: int = 0
    seats_confirmed: int = 0
    seats_left: int = 0
    seats_expired: int = 0
    units_confirmed: int = 0
    units_left: int = 0
    members_confirmed_now: int = 0
    units_confirmed_now: int = 0
    units_held_now: int = 0
    units_of_fill: int = 0
    """Units that fill a ladder of the whole campaign: of open teams as they stand, of formed ones as they formed.

    What becomes of a formed team's seats raises no price in another team: it is over for prices, as on team basis.
    """

    def plus(self, other: "Counts") -> "Counts":
        """Add two differences, or a difference to counts."""
        return Counts._make(map(add, self, other))


MOST_FIXED = 500
"""Most teams whose price one tally fixes; the next fixes the others."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A team that formed at a version, and whose final prices a tally fixes."""

    team_id: UUID
    team_version: int


@dataclass(frozen=True, slots=True)
class Tally:
    """One sum over a campaign, recorded as a fact."""

    campaign_id: UUID
    seq: int
    platform_id: UUID
    at: datetime
    """When the last event that it counts happened."""
    counts: Counts
    fixed: tuple[Fixed, ...] = ()

    @property
    def fill(self) -> int:
        """What fills a ladder of the whole campaign."""
        return self.counts.units_of_fill


def at_tally(team: Team, basis: Basis, tally: Tally | None) -> Team:
    """Give a team with the fill of its campaign's last tally, where that fills the ladder and no price is fixed."""
    if not basis.is_of_campaign or team.tally_seq or tally is None:
        return team
    return replace(team, fill=tally.fill, tally_seq=tally.seq)


def fix(team: Team, tally: Tally) -> Team:
    """Fix a formed team's prices at the tally that contains its end."""
    return replace(team, fill=tally.fill, tally_seq=tally.seq)


_ONCE = {
    FactKind.TEAM_OPENED: "teams_opened",
    FactKind.TEAM_FORMED: "teams_formed",
    FactKind.TEAM_FAILED: "teams_failed",
    FactKind.TEAM_CANCELLED: "teams_cancelled",
    FactKind.SEAT_HELD: "seats_held",
    FactKind.SEAT_CONFIRMED: "seats_confirmed",
}
_LEFT = {ReleaseReason.LEFT, ReleaseReason.WITHDRAWN}


def difference(before: Team | None, after: Team, fact: TeamFact) -> Counts:
    """Tell what an event changes in the counts of its campaign; `before` and `after` are its team."""
    had, has = before.totals if before else Totals(), after.totals
    units = has.confirmed_units - had.confirmed_units
    counted = dict.fromkeys(_named(fact), 1)
    return Counts(
        **counted,
        units_confirmed=max(units, 0),
        units_left=max(-units, 0),
        members_confirmed_now=has.confirmed_members - had.confirmed_members,
        units_confirmed_now=units,
        units_held_now=has.held_units - had.held_units,
        units_of_fill=0 if before and before.formed_version else units,
    )


def _named(fact: TeamFact) -> tuple[str, ...]:
    """Name the counts since the start that an event raises by one."""
    if fact.kind is FactKind.SEAT_SPONSORED or (fact.kind is FactKind.SEAT_CONFIRMED and fact.from_waitlist):
        return ("seats_held", "seats_confirmed")
    if fact.kind is FactKind.SEAT_RELEASED and fact.seat:
        if fact.seat.release_reason in _LEFT:
            return ("seats_left",)
        return ("seats_expired",) if fact.seat.release_reason is ReleaseReason.EXPIRED else ()
    if fact.below_minimum:  # its seats are cancelled, and the team stays one that formed
        return ()
    return (_ONCE[fact.kind],) if fact.kind in _ONCE else ()
