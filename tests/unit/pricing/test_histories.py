"""Random histories with every fact: a seat's lines add up to what it finally owes, whenever they are made."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from groupbuy.pricing.v1 import ladder_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import ids
from services.chassis.messages import decode
from services.pricing import translate
from services.pricing.domain import (
    Cause,
    Contradiction,
    Job,
    PriceTable,
    Seat,
    SeatState,
    SettlementLine,
    Team,
    follow,
    settle,
)
from tests.support.pricing_histories import Oracle, Owed, play
from tests.support.pricing_lives import FullLife, a_full_life, leaders_pay_less
from tests.support.teams import COMMIT, HOLD, MEMBERS, PAY_ON_DELIVERY, PREPAID, UNITS, price_table

CHUNK = 2
NUMBERS = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=12, max_size=45)
MODES = st.sampled_from([COMMIT, HOLD, PREPAID, PAY_ON_DELIVERY])


@dataclass
class Books:
    """Pricing of one team without a database: seats as they are now, lines made in chunks, now or later."""

    team: Team | None = None
    table: PriceTable | None = None
    seats: dict[UUID, Seat] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    lines: list[SettlementLine] = field(default_factory=list)

    def play(self, life: FullLife, patience: int) -> None:
        """Apply the events; work a chunk off after every so many."""
        for number, record in enumerate(life.records):
            fact = translate.team_fact(decode(record))
            self.table = fact.opened.table if fact.opened else self.table
            seat = self.seats.get(fact.seat.seat_id) if fact.seat else None
            followed = follow(self.team, seat, self.table, fact)
            assert not isinstance(followed, Contradiction), followed
            self.team = followed.team
            if followed.seat:
                self.seats[followed.seat.seat_id] = followed.seat
            self.jobs += [followed.job] if followed.job else []
            if number % patience == patience - 1:
                self.work()
        while self.jobs:
            self.work()

    def work(self) -> None:
        """Make the next chunk of the oldest job's lines."""
        if not self.jobs or self.team is None or self.table is None:
            return
        job = self.jobs.pop(0)
        seats = [(ids.derived_id(seat.seat_id, job.cause_event_id), seat) for seat in self._next(job)]
        lines, after = settle(self.team, self.table, job, seats)
        assert lines
        self.lines += lines
        if not after.finished:
            self.jobs.insert(0, after)

    def _next(self, job: Job) -> list[Seat]:
        if job.seat_id:
            return [self.seats[job.seat_id]]
        found = [
            seat
            for seat in sorted(self.seats.values(), key=lambda seat: seat.number)
            if job.after_number < seat.number < job.version and not seat.sponsored
            if seat.state is SeatState.CONFIRMED or (job.cause is Cause.TEAM_FORMED and seat.formed_quantity)
        ]
        return found[: min(CHUNK, job.lines - job.done)]


@settings(deadline=None)
@given(NUMBERS, MODES, st.sampled_from([MEMBERS, UNITS]), st.integers(1, 12))
def test_the_lines_of_a_seat_add_up_to_what_it_finally_owes(
    numbers: list[tuple[int, int]], mode: int, basis: int, patience: int
) -> None:
    table = leaders_pay_less(price_table(basis=ladder_pb2.Basis.ValueType(basis)), 200)
    life = a_full_life(table=table, payment_mode=mode)
    play(life, numbers)
    books, oracle = Books(), Oracle(life)
    books.play(life, patience)
    assert [line.sequence for line in books.lines] == list(range(1, len(books.lines) + 1))
    assert len({line.line_id for line in books.lines}) == len(books.lines)
    assert {seat.seat_id for seat in books.seats.values()} == {seat_uuid(seat_id) for seat_id in oracle.seats}
    for seat_id, owed in oracle.seats.items():
        lines = [line for line in books.lines if line.seat_id == seat_uuid(seat_id)]
        assert summed(lines) == (owed.lines, owed.charged, owed.brought + owed.late), owed
        check_signs(owed, lines)


def seat_uuid(seat_id: str) -> UUID:
    return (ids.parse("seat", seat_id, 2) or ())[1]


def summed(lines: list[SettlementLine]) -> tuple[int, int, int]:
    """How many lines, what they charge, what was authorised or paid for them."""
    money = [line.amounts for line in lines]
    return len(lines), sum(item.charged for item in money), sum(item.authorised + item.paid for item in money)


def check_signs(owed: Owed, lines: list[SettlementLine]) -> None:
    """In the end nothing is below zero, field by field, and nobody pays above the cap."""
    for name in ("authorised", "paid", "to_capture", "to_void", "to_keep", "to_refund", "due"):
        assert sum(getattr(line.amounts, name) for line in lines) >= 0
    assert 0 <= owed.charged <= owed.seat.cap.minor_units * owed.seat.quantity
    if owed.seat.sponsored:
        assert lines == []


@pytest.mark.parametrize("kind", [kind for kind in Cause if kind is not Cause.DELIVERY_REFUSED])  # by RPC
def test_the_histories_reach_every_cause(kind: Cause) -> None:
    found = set()
    for seed in range(40):
        life = a_full_life()
        play(life, [(seed * 31 + turn * 7919, seed + turn * 104729) for turn in range(45)])
        books = Books()
        books.play(life, 5)
        found |= {line.cause for line in books.lines}
    assert kind in found
