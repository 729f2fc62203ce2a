"""Follows a team from event to event: each is checked against our own counting, then says what it changes."""

from dataclasses import dataclass, replace
from typing import TypeAlias

from services.pricing.domain.checks import miscount, out_of_place, seat_problem
from services.pricing.domain.price import PriceMove, PriceTable
from services.pricing.domain.settlement import Cause, Job
from services.pricing.domain.team import FactKind, Seat, SeatState, Team, TeamFact, TeamState, Totals


@dataclass(frozen=True, slots=True)
class PriceChanged:
    """At least one item and role has another price than before; fills in the ladder's basis."""

    sequence: int
    moves: tuple[PriceMove, ...]
    old_fill: int
    fill: int
    tier: int
    missing_to_next: int


@dataclass(frozen=True, slots=True)
class NextTierCameNear:
    """Exactly one more reaches the next tier, which is cheaper for at least one item and role."""

    sequence: int
    moves: tuple[PriceMove, ...]
    fill: int
    next_threshold: int


PriceFact: TypeAlias = PriceChanged | NextTierCameNear


@dataclass(frozen=True, slots=True)
class Followed:
    """What an event changed: the team, the seat it is about, the facts about prices, the lines to be made."""

    team: Team
    seat: Seat | None = None
    prices: tuple[PriceFact, ...] = ()
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An event that cannot be true with what is stored; the reason is a sentence for operators."""

    reason: str


_MOVES = {FactKind.SEAT_HELD, FactKind.SEAT_CONFIRMED, FactKind.SEAT_RELEASED}
_BECOMES = {
    FactKind.TEAM_TIPPED: TeamState.TIPPED,
    FactKind.TEAM_UNTIPPED: TeamState.FORMING,
    FactKind.TEAM_FORMED: TeamState.FORMED,
    FactKind.TEAM_FAILED: TeamState.FAILED,
}


def follow(team: Team | None, seat: Seat | None, table: PriceTable | None, fact: TeamFact) -> Followed | Contradiction:
    """Apply an event to a team; `seat` is the stored seat it is about and `table` the team's, where they are known."""
    if fact.kind is FactKind.TEAM_OPENED:
        return _opened(team, table, fact)
    if team is None or table is None:
        return Contradiction("the team is not known, and team_formation has no events of it before this one")
    if problem := out_of_place(team, fact) or seat_problem(team, seat, table, fact):
        return Contradiction(problem)
    after = _after(team, seat, table, fact)
    if problem := miscount(team, after.team, after.seat, fact):
        return Contradiction(problem)
    return _consequences(team, after, table, fact)


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


def _after(team: Team, seat: Seat | None, table: PriceTable, fact: TeamFact) -> Followed:
    """Move the seat and count it, by ourselves."""
    state = _BECOMES.get(fact.kind, team.state)
    totals, moved = team.totals, None
    if fact.kind is FactKind.TEAM_FAILED:
        totals = Totals()
    elif fact.kind in _MOVES and fact.seat:
        moved = _moved(seat, fact.seat, fact)
        totals = totals.plus(seat.state if seat else None, moved.quantity, -1).plus(moved.state, moved.quantity)
    fill = totals.fill(table.basis) if state.is_open else team.fill
    after = replace(
        team,
        state=state,
        version=fact.version,
        totals=totals,
        fill=fill,
        fill_version=fact.version if fill != team.fill else team.fill_version,
        ended_version=fact.version if state is not team.state and not state.is_open else team.ended_version,
    )
    return Followed(after, moved)


def _moved(seat: Seat | None, told: Seat, fact: TeamFact) -> Seat:
    if fact.kind is FactKind.SEAT_HELD or seat is None:
        return replace(told, state=SeatState.HELD, release_reason=None, number=fact.version)
    if fact.kind is FactKind.SEAT_CONFIRMED:
        return replace(seat, state=SeatState.CONFIRMED, release_reason=None, payment_reference=fact.payment_reference)
    return replace(seat, state=SeatState.RELEASED, release_reason=told.release_reason)


def _consequences(before: Team, after: Followed, table: PriceTable, fact: TeamFact) -> Followed:
    team = after.team
    prices = _price_facts(before, team, table)
    job = _job(before, team, after.seat, fact)
    promised = job.lines if job else 0
    team = replace(
        team,
        price_sequence=team.price_sequence + len(prices),
        settlement_sequence=team.settlement_sequence + promised,
    )
    return replace(after, team=team, prices=prices, job=job)


def _price_facts(before: Team, after: Team, table: PriceTable) -> tuple[PriceFact, ...]:
    """Tell what a member would notice: a price that moved, or a cheaper tier that one more would reach."""
    if after.fill == before.fill:
        return ()
    facts: list[PriceFact] = []
    missing = table.missing_to_next(after.fill)
    if not table.same_tier(before.fill, after.fill):
        moves = table.moves(before.fill, after.fill)
        if any(move.old != move.new for move in moves):
            sequence = before.price_sequence + 1
            tier = table.tier(after.fill)
            facts.append(PriceChanged(sequence, moves, before.fill, after.fill, tier, missing))
    if missing == 1:
        moves = table.moves(after.fill, after.fill)
        if any(move.next < move.new for move in moves):
            sequence = before.price_sequence + len(facts) + 1
            facts.append(NextTierCameNear(sequence, moves, after.fill, after.fill + missing))
    return tuple(facts)


def _job(before: Team, after: Team, seat: Seat | None, fact: TeamFact) -> Job | None:
    """Tell which settlement lines an event causes, if any."""
    cause, subject, lines, amount, reference = None, None, 1, 0, ""
    if fact.kind is FactKind.TEAM_FORMED:
        cause, lines = Cause.TEAM_FORMED, before.totals.confirmed_members
    elif fact.kind is FactKind.TEAM_FAILED:
        cause, lines = Cause.TEAM_FAILED, before.totals.confirmed_members
    elif fact.kind is FactKind.SEAT_RELEASED and fact.previous_state is SeatState.CONFIRMED and seat:
        cause, subject, amount, reference = Cause.SEAT_LEFT, seat, seat.committed, seat.payment_reference
    elif fact.kind is FactKind.LATE_PAYMENT_REPORTED:
        cause, subject, amount, reference = Cause.LATE_PAYMENT, fact.seat, fact.amount, fact.payment_reference
    if cause is None or not lines:
        return None
    return Job(
        after.campaign_id,
        after.team_id,
        after.platform_id,
        fact.version,
        cause,
        fact.event_id,
        fact.at,
        first_sequence=before.settlement_sequence + 1,
        lines=lines,
        seat_id=subject.seat_id if subject else None,
        amount=amount,
        payment_reference=reference,
    )
