"""Random histories through all three services: whatever members and clocks do, every invariant of the engine holds."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from deploy.check import check_databases
from services.team_formation.domain import Basis, OnFull, OnUnpaid, PaymentMode, PaymentTerms, PriceTable
from services.team_formation.handlers import Ask
from tests.support.crowding import violations
from tests.support.database import Database
from tests.support.engine import Engine, an_engine
from tests.support.formation import a_campaign
from tests.support.histories import History, Unpaid

SEEDS = range(18)
AT_A_TIME = 6

RARE = {"2_who_fits_does_not_wait", "4_cancelled_seats_have_their_line"}
"""What some group of histories never meets, or not at its end; test_invariants has it in its own."""


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    async with an_engine(database) as running:
        yield running


@pytest.mark.parametrize("seeds", [SEEDS[at : at + AT_A_TIME] for at in range(0, len(SEEDS), AT_A_TIME)], ids=str)
async def test_every_invariant_holds_after_any_history(engine: Engine, seeds: range) -> None:
    histories = [History(engine.formation, seed) for seed in seeds]
    for history in histories:
        await history.play()
        await engine.carry(batch=1 + history.seed % 30, times=1 + history.seed % 2)
    results = await check_databases(engine.urls, now=engine.formation.clock.now())
    assert not [result for result in results if result.violations], [line for h in histories for line in h.said]
    assert {result.name for result in results if not result.checked} <= RARE


@pytest.mark.parametrize("seed", [302, 303])
async def test_every_invariant_holds_where_places_that_are_not_paid_are_filled(engine: Engine, seed: int) -> None:
    for number in range(6):
        history = Unpaid(engine.formation, seed * 10 + number, defaults=25.0)
        await history.play()
        await engine.carry(batch=1 + seed % 30)
    results = await check_databases(engine.urls, now=engine.formation.clock.now())
    assert not [result for result in results if result.violations]


async def test_every_invariant_holds_while_places_are_filled_one_after_the_other(engine: Engine) -> None:
    formation = engine.formation
    terms = PaymentTerms(timedelta(minutes=1), OnUnpaid.FILL_FROM_WAITLIST)
    rules = {"payment_terms": terms, "on_full": OnFull.WAITLIST}
    campaign = a_campaign(payment_mode=PaymentMode.COMMIT, rules=rules, maximum=2, stock=3)
    opened = await formation.open(await formation.create(campaign), "mei")
    joined = [await formation.join(opened.team.team_id, member) for member in ("tom", "ann", "kim", "lin")]
    tom, ann, _, _ = (answer.seat for answer in joined)
    for seat in (opened.seat, tom):
        await formation.confirm(seat)
    for seat in (tom, ann):
        await formation.default(seat)
        await engine.carry()
        await holds(engine)
    formation.clock.move(timedelta(hours=2))
    assert await formation.finder.run_once() == 1
    await engine.carry()
    await holds(engine)
    found = await formation.rows("SELECT state FROM seats ORDER BY number")
    assert [state for (state,) in found] == ["CONFIRMED", "DEFAULTED", "DEFAULTED", "CONFIRMED", "RELEASED"]


async def holds(engine: Engine) -> None:
    """Check everything that must always hold."""
    results = await check_databases(engine.urls, now=engine.formation.clock.now())
    assert not [result for result in results if result.violations]


class Watched(History):
    """A history whose formation is looked at after every round, while seats are held and members wait."""

    async def _decide(self, asks: Sequence[Ask]) -> None:
        await super()._decide(asks)
        assert await violations(self.formation) == {}, self.said


@pytest.mark.parametrize("seed", range(201, 206))
async def test_what_concerns_teams_holds_at_any_time(engine: Engine, seed: int) -> None:
    await Watched(engine.formation, seed).play()


@pytest.mark.parametrize("seed", [101, 102, 103, 104])
async def test_what_seats_are_charged_is_what_a_simple_account_of_the_events_says(engine: Engine, seed: int) -> None:
    history = History(engine.formation, seed)
    await history.play()
    await engine.carry()
    terms = history.campaign.terms
    account = Account(terms.price_table, terms.rules.payment_mode is PaymentMode.PREPAID)
    for (payload,) in await engine.formation.rows(
        "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' ORDER BY aggregateid, sequence"
    ):
        account.enter(events_pb2.TeamEvent.FromString(payload))
    lines = [event.settlement_line_recorded.line for event in await engine.pricing.settled()]
    moves = terms.rules.payment_mode.moves_money
    for seat_id in account.owed.keys() | account.brought.keys() | {line.seat_id for line in lines}:
        of_seat = [line for line in lines if line.seat_id == seat_id]
        owed, brought = account.owed[seat_id], account.brought[seat_id] if moves else 0
        assert _sum(of_seat, "to_capture", "to_keep", "due") == owed, history.said
        assert _sum(of_seat, "authorised", "paid") == brought, history.said
        assert _sum(of_seat, "to_void", "to_refund") == (brought - owed if moves else 0), history.said


@dataclass
class Account:
    """What each seat brought, and what it owes at the end: by the events of one team after the other."""

    table: PriceTable
    prepaid: bool
    fill: int = 0
    owed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    brought: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    inside: dict[str, types_pb2.Seat] = field(default_factory=dict)

    def enter(self, event: events_pb2.TeamEvent) -> None:
        """Keep the account of an event; most facts move no money."""
        fact = event.WhichOneof("fact") or ""
        if enter := getattr(self, f"_{fact}", None):
            enter(getattr(event, fact), event.totals)

    def _team_opened(self, _fact: Any, _totals: Any) -> None:
        self.inside, self.fill = {}, 0

    def _seat_confirmed(self, fact: Any, _totals: Any) -> None:
        self.inside[fact.seat.seat_id] = fact.seat
        self.brought[fact.seat.seat_id] += fact.amount.minor_units
        self._owe()

    def _late_payment_reported(self, fact: Any, _totals: Any) -> None:
        self.brought[fact.seat.seat_id] += fact.amount.minor_units

    def _seat_released(self, fact: Any, _totals: Any) -> None:
        self._out(fact.seat)

    def _seat_reduced(self, fact: Any, _totals: Any) -> None:
        if fact.seat.seat_id in self.inside:
            self.inside[fact.seat.seat_id] = fact.seat
            self._owe()

    def _seat_defaulted(self, fact: Any, _totals: Any) -> None:
        if self.prepaid:  # what was said to be paid was not; an authorisation was one, and is void
            self.brought[fact.seat.seat_id] -= fact.seat.cap.minor_units * fact.seat.quantity
        self._out(fact.seat)

    def _team_formed(self, _fact: Any, totals: Any) -> None:
        by_members = self.table.basis is Basis.TEAM_MEMBERS
        self.fill = totals.confirmed_members if by_members else totals.confirmed_units
        self._owe()

    def _team_cancelled(self, _fact: Any, _totals: Any) -> None:
        for seat in list(self.inside.values()):
            self._out(seat)

    def _out(self, seat: types_pb2.Seat) -> None:
        if self.inside.pop(seat.seat_id, None):
            self.owed[seat.seat_id] = 0

    def _owe(self) -> None:
        """Count what each owes at the price of the fill that the team formed with, whoever left after."""
        for seat_id, seat in self.inside.items() if self.fill else ():
            price = [step.unit_price for step in self.table.rows[0].steps if step.threshold <= self.fill][-1]
            self.owed[seat_id] = min(price, seat.cap.minor_units) * seat.quantity


def _sum(lines: list[pricing_pb2.SettlementLine], *names: str) -> int:
    return sum(getattr(line, name).minor_units for line in lines for name in names)
