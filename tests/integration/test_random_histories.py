"""Random histories through all three services: whatever members and clocks do, every invariant of the engine holds."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from deploy.check import check_databases
from services.team_formation.domain import Basis, PriceTable
from tests.support.database import Database
from tests.support.engine import Engine, an_engine
from tests.support.histories import History

SEEDS = range(18)
AT_A_TIME = 6


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
    results = await check_databases(engine.urls)
    assert not [result for result in results if result.violations], [line for h in histories for line in h.said]
    assert not [result.name for result in results if not result.checked]


@pytest.mark.parametrize("seed", [101, 102, 103, 104])
async def test_what_seats_are_charged_is_what_a_simple_account_of_the_events_says(engine: Engine, seed: int) -> None:
    history = History(engine.formation, seed)
    await history.play()
    await engine.carry()
    account = Account(history.campaign.terms.price_table)
    for (payload,) in await engine.formation.rows(
        "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' ORDER BY aggregateid, sequence"
    ):
        account.enter(events_pb2.TeamEvent.FromString(payload))
    lines = [event.settlement_line_recorded.line for event in await engine.pricing.settled()]
    moves = history.campaign.terms.rules.payment_mode.moves_money
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
    owed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    brought: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    inside: dict[str, types_pb2.Seat] = field(default_factory=dict)

    def enter(self, event: events_pb2.TeamEvent) -> None:
        """Keep the account of an event."""
        fact = event.WhichOneof("fact")
        if fact == "team_opened":
            self.inside = {}
        elif fact == "seat_confirmed":
            seat = event.seat_confirmed.seat
            self.inside[seat.seat_id] = seat
            self.brought[seat.seat_id] += event.seat_confirmed.amount.minor_units
        elif fact == "late_payment_reported":
            late = event.late_payment_reported
            self.brought[late.seat.seat_id] += late.amount.minor_units
        elif fact == "seat_released":
            self.inside.pop(event.seat_released.seat.seat_id, None)
        elif fact == "team_formed":
            self.owed |= {seat_id: self._final(seat, event.totals) for seat_id, seat in self.inside.items()}

    def _final(self, seat: types_pb2.Seat, totals: types_pb2.Totals) -> int:
        fill = totals.confirmed_members if self.table.basis is Basis.TEAM_MEMBERS else totals.confirmed_units
        price = [step.unit_price for step in self.table.rows[0].steps if step.threshold <= fill][-1]
        return min(price, seat.cap.minor_units) * seat.quantity


def _sum(lines: list[pricing_pb2.SettlementLine], *names: str) -> int:
    return sum(getattr(line, name).minor_units for line in lines for name in names)
