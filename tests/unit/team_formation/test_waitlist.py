"""The order of the waitlist where quantities differ: the longest waiting who fits is seated, nobody twice."""

from typing import Any
from uuid import uuid4

from services.team_formation import domain
from services.team_formation.domain import CountedIn, Decision, Heirs, OnFull, Outcome, Seat, SeatState, Usage
from tests.support.formation import START, a_campaign

RULES = {"on_full": OnFull.WAITLIST}


class Turns:
    """A team of four units; each command is decided on what the one before left."""

    def __init__(self) -> None:
        self.campaign = a_campaign(counted_in=CountedIn.UNITS, maximum=4, rules=RULES)
        self.left: dict[str, int] = {}
        self.seats: dict[str, Seat] = {}
        opened = domain.open_team(self.around(), domain.Open(uuid4(), self._wanted("mei", 3)), Usage())
        assert isinstance(opened, Decision)
        self._enter(opened)

    def around(self) -> domain.Around:
        return domain.Around(self.campaign, self.campaign.terms, START, self.left)

    def join(self, member: str, units: int) -> Any:
        decision = domain.join_team(self.team, self.around(), None, Usage(), self._wanted(member, units))
        self._enter(decision)
        return decision.outcome

    def leave(self, member: str, units: int = 0) -> None:
        seat = self.seats[member]
        self._enter(domain.leave_team(self.team, self.around(), seat, self._heirs(), domain.Leave(units)))

    def look(self) -> None:
        if domain.is_due(self.team, self.around()):
            held = [seat for seat in self.seats.values() if seat.state is SeatState.HELD]
            self._enter(domain.bring_up_to_date(self.team, self.around(), held, self._heirs()))

    def state(self, member: str) -> tuple[SeatState, int]:
        return self.seats[member].state, self.seats[member].quantity

    def _heirs(self) -> Heirs:
        waiting = [seat for seat in self.seats.values() if seat.state is SeatState.WAITING]
        return Heirs(sorted(waiting, key=lambda seat: seat.number))

    def _wanted(self, member: str, units: int) -> domain.Join:
        return domain.Join(uuid4(), member, "mango", units)

    def _enter(self, decision: Decision) -> None:
        self.team = decision.team
        self.seats |= {seat.member_id: seat for seat in decision.seats}
        waiting = [seat for seat in self.seats.values() if seat.state is SeatState.WAITING]
        assert self.team.totals.waiting_members == len(waiting)
        assert self.team.totals.waiting_units == sum(seat.quantity for seat in waiting)


def test_a_part_given_back_by_who_waits_lets_it_fit_at_once() -> None:
    turns = Turns()
    assert turns.join("lin", 3) is Outcome.WAITLISTED
    turns.leave("lin", 2)
    assert turns.state("lin") == (SeatState.HELD, 1)


def test_who_leaves_the_waitlist_is_not_seated_by_leaving() -> None:
    turns = Turns()
    turns.left = {"mango": 0}
    turns.join("lin", 2)
    turns.left = {"mango": 9}
    turns.leave("mei", 1)
    turns.left = {"mango": 0}
    turns.join("kim", 3)
    turns.left = {"mango": 9}
    turns.leave("kim")
    assert turns.state("kim") == (SeatState.RELEASED, 3)


def test_a_part_of_what_waits_is_never_seated_as_the_whole() -> None:
    turns = Turns()
    turns.left = {"mango": 0}
    turns.join("lin", 3)
    turns.leave("mei", 2)
    turns.left = {"mango": 9}
    turns.leave("lin", 1)
    assert turns.state("lin") == (SeatState.HELD, 2)


def test_the_longest_waiting_is_passed_over_while_only_others_fit() -> None:
    turns = Turns()
    turns.join("tom", 1)
    turns.join("big", 3)
    turns.join("small", 1)
    turns.leave("tom")
    assert turns.state("big")[0] is SeatState.WAITING
    assert turns.state("small")[0] is SeatState.HELD
    turns.leave("mei")
    assert turns.state("big")[0] is SeatState.HELD


def test_nobody_who_joins_overtakes_whom_returned_stock_lets_in() -> None:
    turns = Turns()
    turns.left = {"mango": 0}
    turns.join("lin", 2)
    turns.leave("mei", 1)
    turns.left = {"mango": 2}
    turns.look()
    assert turns.join("kim", 2) is Outcome.WAITLISTED
    assert turns.state("lin")[0] is SeatState.HELD
