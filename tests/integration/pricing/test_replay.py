"""The same events give the same rows and the same told facts, however they are split, repeated or delayed."""

import random

import pytest
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis.messages import Record
from services.pricing.handlers import settle
from tests.support.pricing import PricingService
from tests.support.pricing_histories import Oracle, play
from tests.support.pricing_lives import FullLife, a_full_life, leaders_pay_less
from tests.support.teams import COMMIT, HOLD, LEADER, MEMBER, MEMBERS, PAY_ON_DELIVERY, PREPAID, UNITS, price_table

MODES = (COMMIT, HOLD, PREPAID, PAY_ON_DELIVERY)


def dice(seed: int) -> random.Random:
    """Give chance that is the same in each run."""
    return random.Random(seed)  # noqa: S311 - no secret


def random_life(chance: random.Random) -> FullLife:
    """Play a team at random, to a random end or to none."""
    thresholds = sorted(chance.sample(range(2, 12), 3))
    prices = sorted(chance.sample(range(100, 3990), 3), reverse=True)
    basis = chance.choice([MEMBERS, UNITS])
    table = leaders_pay_less(price_table(3990, list(zip(thresholds, prices, strict=True)), basis=basis), 70)
    life = a_full_life(payment_mode=chance.choice(MODES), table=table)
    play(life, [(chance.randrange(999), chance.randrange(999)) for _ in range(chance.randint(12, 60))])
    return life


def interleaved(lives: list[FullLife], chance: random.Random) -> list[Record]:
    """Mix the records of several teams, each team's in order."""
    waiting = [list(life.records) for life in lives]
    mixed = []
    while any(waiting):
        mixed.append(chance.choice([records for records in waiting if records]).pop(0))
    return mixed


def split(records: list[Record], chance: random.Random) -> list[list[Record]]:
    """Cut into batches of random sizes."""
    batches = []
    while records:
        size = chance.randint(1, 12)
        batches.append(records[:size])
        records = records[size:]
    return batches


@pytest.mark.parametrize("seed", range(6))
async def test_any_split_and_any_delay_of_settlement_gives_the_same(
    pricing: PricingService, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = dice(seed)
    lives = [random_life(chance) for _ in range(4)]
    records = interleaved(lives, chance)
    await pricing.apply(records)
    await pricing.settle()
    assert await pricing.parked() == {}
    state, told = await pricing.state(), await pricing.told_by_key()
    for chunk in (1, 4):
        monkeypatch.setattr(settle, "CHUNK", chunk)
        again = PricingService(pricing.database)
        await again.empty()
        for batch in split(records, chance):
            await again.apply(batch)
            if chance.random() < 0.2:
                await again.settlements.run_once()
        await again.settle()
        assert await again.state() == state
        assert await again.told_by_key() == told


async def test_the_same_events_again_change_nothing(pricing: PricingService) -> None:
    chance = dice(99)
    lives = [random_life(chance) for _ in range(2)]
    records = interleaved(lives, chance)
    await pricing.apply(records)
    state, told = await pricing.state(), await pricing.told_by_key()
    await pricing.apply(records)
    for record in records:
        await pricing.apply([record, record])
    assert await pricing.state() == state
    assert await pricing.told_by_key() == told


@pytest.mark.parametrize("seed", range(3))
async def test_prices_and_lines_equal_those_computed_from_scratch(pricing: PricingService, seed: int) -> None:
    chance = dice(1000 + seed)
    lives = [random_life(chance) for _ in range(5)]
    await pricing.apply(interleaved(lives, chance))
    await pricing.settle()
    prices, settled = await pricing.prices(), await pricing.settled()
    for life in lives:
        assert [
            (event.price_changed.cause_event_id, [move.new_unit_price for move in event.price_changed.moves])
            for event in prices
            if event.team_id == life.team_id and event.HasField("price_changed")
        ] == changes_from_scratch(life)
        lines = [event.settlement_line_recorded.line for event in settled if event.team_id == life.team_id]
        found = {seat_id: added_up([line for line in lines if line.seat_id == seat_id]) for seat_id in seats_of(life)}
        assert found == {
            seat_id: (owed.lines, owed.charged, owed.brought + owed.late)
            for seat_id, owed in Oracle(life).seats.items()
        }


def seats_of(life: FullLife) -> set[str]:
    """Name every seat that a team ever had."""
    return {
        fact.seat.seat_id
        for event in life.events
        for fact in [getattr(event, event.WhichOneof("fact") or "")]
        if "seat" in fact.DESCRIPTOR.fields_by_name and fact.HasField("seat")
    }


def added_up(lines: list[events_pb2.SettlementLine]) -> tuple[int, int, int]:
    """How many lines, what they charge, what was authorised or paid for them."""
    charged = sum(line.to_capture.minor_units + line.to_keep.minor_units + line.due.minor_units for line in lines)
    return len(lines), charged, sum(line.authorised.minor_units + line.paid.minor_units for line in lines)


def changes_from_scratch(life: FullLife) -> list[tuple[str, list[int]]]:
    """Compute from the events alone which of them changed a price, and to what, for leader and member."""
    found: list[tuple[str, list[int]]] = []
    before = both(life, 0)
    for event in life.events:
        if event.state not in {types_pb2.TEAM_STATE_FORMING, types_pb2.TEAM_STATE_TIPPED}:
            break
        units = life.table.basis == UNITS
        now = both(life, event.totals.confirmed_units if units else event.totals.confirmed_members)
        if now != before:
            before = now
            found.append((event.event_id, now))
    return found


def both(life: FullLife, fill: int) -> list[int]:
    """The leader's price at a fill, and the member's."""
    return [life.price(fill, role=LEADER), life.price(fill, role=MEMBER)]
