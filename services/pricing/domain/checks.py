"""What makes an event of a team untrue with what is stored: each check gives a sentence for operators, or None."""

from services.pricing.domain.fact import FactKind, TeamFact
from services.pricing.domain.price import PriceTable
from services.pricing.domain.team import Seat, Team, TeamState

_AFTER_FORMED = {
    FactKind.SEAT_CONFIRMED,
    FactKind.SEAT_RELEASED,
    FactKind.SEAT_REDUCED,
    FactKind.SEAT_DEFAULTED,
    FactKind.LEADER_CHANGED,
    FactKind.TEAM_CANCELLED,
}
_ENDED = {TeamState.FORMED: "formed", TeamState.FAILED: "failed", TeamState.CANCELLED: "was cancelled"}


def out_of_place(team: Team, fact: TeamFact) -> str | None:
    """Check that an event is the next of its team, and that the team can still change so."""
    if fact.platform_id != team.platform_id:
        return "the team belongs to another platform"
    if fact.version != team.version + 1:
        return f"versions {team.version + 1} to {fact.version - 1} are missing, and team_formation does not have them"
    if fact.below_minimum and team.state is not TeamState.FORMED:
        return f"the event says that a formed team fell below its minimum, the team is {team.state}"
    if team.state.is_open or fact.kind is FactKind.LATE_PAYMENT_REPORTED:
        return None
    if team.state is TeamState.FORMED and fact.kind in _AFTER_FORMED:
        return None
    return f"{fact.kind} after the team {_ENDED[team.state]}"


def reward_problem(table: PriceTable, fact: TeamFact) -> str | None:
    """Check what a leader is given besides its price."""
    if fact.reward is None:
        return None
    if fact.currency != table.currency:
        return f"the leader's reward is in {fact.currency or 'no currency'}, the team's prices in {table.currency}"
    return None if fact.reward.amount >= 0 else "the leader's reward is below zero"


def miscount(before: Team, after: Team, seat: Seat | None, fact: TeamFact) -> str | None:
    """Check an event against our own counting; `after` and `seat` are as we make them of it."""
    if fact.state is not after.state:
        return f"the event says {fact.state}, by our own counting the team is {after.state}"
    if fact.totals != after.totals:
        return f"the event counts {fact.totals}, we count {after.totals}"
    if fact.totals_at_end is not None and fact.totals_at_end != before.totals:
        return f"the event counts {fact.totals_at_end} at the end, we count {before.totals}"
    if fact.kind is FactKind.TEAM_CANCELLED and fact.after_formed is not (before.state is TeamState.FORMED):
        return f"the event says {'after' if fact.after_formed else 'before'} formation, the team is {before.state}"
    if seat and fact.seat and seat.state is not fact.seat.state:
        return f"the event says the seat is {fact.seat.state}, which {fact.kind} does not make it"
    return None
