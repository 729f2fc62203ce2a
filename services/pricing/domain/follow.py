"""Follows a team from event to event: each is checked against our own counting, then says what it changes."""

from services.pricing.domain.checks import miscount, out_of_place, reward_problem
from services.pricing.domain.fact import FactKind, TeamFact
from services.pricing.domain.job import Job, job_of
from services.pricing.domain.notice import PriceFact, price_facts
from services.pricing.domain.price import PriceTable
from services.pricing.domain.seat_checks import seat_problem
from services.pricing.domain.seats import moved_seat
from services.pricing.domain.team import Seat, Team, TeamState, Totals
from services.pricing.domain.values import changed, value


@value
class Followed:
    """What an event changed: the team, the seat it is about, the facts about prices, the lines to be made."""

    team: Team
    seat: Seat | None = None
    prices: tuple[PriceFact, ...] = ()
    job: Job | None = None


@value
class Contradiction:
    """An event that cannot be true with what is stored; the reason is a sentence for operators."""

    reason: str


_BECOMES = {
    FactKind.TEAM_TIPPED: TeamState.TIPPED,
    FactKind.TEAM_UNTIPPED: TeamState.FORMING,
    FactKind.TEAM_FORMED: TeamState.FORMED,
    FactKind.TEAM_FAILED: TeamState.FAILED,
    FactKind.TEAM_CANCELLED: TeamState.CANCELLED,
}


def follow(
    team: Team | None, seat: Seat | None, table: PriceTable | None, fact: TeamFact, tallied: int | None = 0
) -> Followed | Contradiction:
    """Apply an event to a team; `seat` is the stored seat it is about and `table` the team's, where they are known.

    `tallied` is what the tally counted that the seat's cap was read at: units of the campaign, 0 before the first one,
    None where there is no such tally.
    """
    if fact.kind is FactKind.TEAM_OPENED:
        return _opened(team, table, fact)
    if team is None or table is None:
        return Contradiction("the team is not known, and team_formation has no events of it before this one")
    if problem := (
        out_of_place(team, fact) or reward_problem(table, fact) or seat_problem(team, seat, table, fact, tallied)
    ):
        return Contradiction(problem)
    moved = moved_seat(team, seat, fact)
    after = _after(team, seat, moved, table, fact)
    if problem := miscount(team, after, moved, fact):
        return Contradiction(problem)
    prices, job = price_facts(team, after, table), job_of(team, seat, fact)
    if prices or job:
        after = changed(
            after,
            price_sequence=team.price_sequence + len(prices),
            settlement_sequence=team.settlement_sequence + (job.lines if job else 0),
        )
    return Followed(after, moved, prices, job)


def _opened(team: Team | None, table: PriceTable | None, fact: TeamFact) -> Followed | Contradiction:
    if team is not None:
        return Contradiction("the team was opened before")
    if fact.opened is None or fact.version != 1:
        return Contradiction(f"a team opens at version 1, not {fact.version}")
    if fact.totals != Totals() or fact.state is not TeamState.FORMING:
        return Contradiction("a team opens empty and forming")
    if fact.opened.table != table:
        return Contradiction("the campaign has another price table of this ladder version, or another platform")
    opened = fact.opened
    return Followed(
        Team(
            fact.campaign_id,
            fact.team_id,
            fact.platform_id,
            opened.merchant_id,
            opened.payment_mode,
            opened.table.ladder_version,
            fact.state,
            fact.version,
            fact.totals,
            fill=0,
            fill_version=fact.version,
        )
    )


def _after(team: Team, seat: Seat | None, moved: Seat | None, table: PriceTable, fact: TeamFact) -> Team:
    """Count the team by ourselves; its fill stays from its end on, whoever goes then."""
    state = team.state if fact.below_minimum else _BECOMES.get(fact.kind, team.state)
    totals = _totals(team, seat, moved, fact)
    fill = totals.fill(table.basis) if state.is_open and not table.basis.is_of_campaign else team.fill
    ended = (state is not team.state or fact.below_minimum) and not state.is_open
    return changed(
        team,
        state=state,
        version=fact.version,
        totals=totals,
        fill=fill,
        fill_version=fact.version if fill != team.fill else team.fill_version,
        ended_version=fact.version if ended else team.ended_version,
        formed_version=fact.version if fact.kind is FactKind.TEAM_FORMED else team.formed_version,
    )


def _totals(team: Team, seat: Seat | None, moved: Seat | None, fact: TeamFact) -> Totals:
    if fact.kind in {FactKind.TEAM_FAILED, FactKind.TEAM_CANCELLED}:
        return Totals()
    if fact.kind is FactKind.TEAM_FORMED and not fact.totals.waiting_members:
        return changed(team.totals, waiting_members=0, waiting_units=0)
    # where who waits goes on waiting, the event that forms a team counts them
    return team.totals.moved(seat, moved) if moved else team.totals
