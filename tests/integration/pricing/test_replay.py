"""The same events give the same rows and the same told facts, however they are split, repeated or delayed."""

import random

import pytest

from services.chassis.messages import Record
from services.pricing.handlers import settle
from tests.support.pricing import PricingService
from tests.support.teams import COMMIT, HOLD, MEMBERS, PAY_ON_DELIVERY, PREPAID, UNITS, TeamLife, price_table

MODES = (COMMIT, HOLD, PREPAID, PAY_ON_DELIVERY)


def dice(seed: int) -> random.Random:
    """Give chance that is the same in each run."""
    return random.Random(seed)  # noqa: S311 - no secret


def random_life(chance: random.Random) -> TeamLife:
    """Play a team at random, to a random end."""
    thresholds = sorted(chance.sample(range(2, 12), 3))
    prices = sorted(chance.sample(range(100, 3990), 3), reverse=True)
    basis = chance.choice([MEMBERS, UNITS])
    table = price_table(3990, list(zip(thresholds, prices, strict=True)), basis=basis)
    life = TeamLife(payment_mode=chance.choice(MODES), table=table, maximum=100)
    life.open("m0", quantity=chance.randint(1, 3))
    held, confirmed, expired, gone = {"m0"}, set[str](), set[str](), set[str]()
    for n in range(1, 40):
        moves = ["hold"] + ["confirm"] * 3 * bool(held) + ["leave"] * bool(held | confirmed) + ["expire"] * bool(held)
        moves += ["again"] * bool(expired) + ["late"] * bool(gone)
        move = chance.choice(moves)
        if move == "hold":
            life.hold(f"m{n}", quantity=chance.randint(1, 3))
            held.add(f"m{n}")
        elif move == "confirm":
            member = chance.choice(sorted(held))
            life.confirm(member)
            held.remove(member)
            confirmed.add(member)
        elif move == "leave":
            member = chance.choice(sorted(held | confirmed))
            life.leave(member)
            held.discard(member)
            confirmed.discard(member)
            gone.add(member)
        elif move == "expire":
            member = chance.choice(sorted(held))
            life.expire(member)
            held.remove(member)
            expired.add(member)
        elif move == "again":
            member = chance.choice(sorted(expired))
            life.confirm(member)
            expired.remove(member)
            confirmed.add(member)
        else:
            life.late(chance.choice(sorted(gone)), f"late-{n}")
    for member in sorted(held):
        life.expire(member)
    if chance.random() < 0.5 and confirmed:
        life.tip()
        life.form()
    else:
        life.fail()
    for n, member in enumerate(sorted(gone | expired)):
        life.late(member, f"after-{n}")
    return life


def interleaved(lives: list[TeamLife], chance: random.Random) -> list[Record]:
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
        assert sorted((line.cause_event_id, line.seat_id) for line in lines) == sorted(lines_from_scratch(life))
        for line in lines:
            charged = line.to_capture.minor_units + line.to_keep.minor_units + line.due.minor_units
            assert charged == line.unit_price.minor_units * line.quantity
            assert line.unit_price.minor_units <= line.cap.minor_units


def changes_from_scratch(life: TeamLife) -> list[tuple[str, list[int]]]:
    """Compute from the events alone which of them changed a price, and to what, for leader and member."""
    found, before = [], life.price(0)
    for event in life.events:
        if event.HasField("team_failed"):
            break
        units = life.table.basis == UNITS
        fill = event.totals.confirmed_units if units else event.totals.confirmed_members
        if life.price(fill) != before:
            before = life.price(fill)
            found.append((event.event_id, [before, before]))
    return found


def lines_from_scratch(life: TeamLife) -> list[tuple[str, str]]:
    """Compute from the events alone which seats have a line for which event."""
    confirmed: set[str] = set()
    found: list[tuple[str, str]] = []
    for event in life.events:
        if event.HasField("seat_confirmed"):
            confirmed.add(event.seat_confirmed.seat.seat_id)
        elif event.HasField("seat_released") and event.seat_released.seat.seat_id in confirmed:
            confirmed.remove(event.seat_released.seat.seat_id)
            found.append((event.event_id, event.seat_released.seat.seat_id))
        elif event.HasField("late_payment_reported"):
            found.append((event.event_id, event.late_payment_reported.seat.seat_id))
        elif event.HasField("team_formed") or event.HasField("team_failed"):
            found += [(event.event_id, seat_id) for seat_id in confirmed]
    return found
