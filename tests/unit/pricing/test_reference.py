"""The engine's prices and settlement lines against a calculator that shares no code with it, on 100,000 histories."""

from collections import Counter

import pytest

from services.pricing import domain
from tests.support.reference import Books, books
from tests.support.reference_histories import Pricing, histories

SEEDS = range(20)
EACH = 5_000
APART = {domain.Cause.LATE_PAYMENT, domain.Cause.DELIVERY_REFUSED}
"""Causes that histories do not reach: money that comes too late, and what is reported by RPC."""


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_caps_and_lines_are_what_the_reference_says(seed: int) -> None:
    reached: Counter[str] = Counter()
    for ladder, table, mode, history in histories(seed, EACH):
        pricing = Pricing(ladder, table, mode)
        pricing.play(history)
        expected = books(ladder, mode, history)
        assert _told(pricing) == _expected(expected), (ladder, mode, history)
        reached.update(item.what for item in history)
        reached.update(line.cause for line in pricing.lines)
    assert min(reached[cause] for cause in domain.Cause if cause not in APART) > 100, reached


def _told(pricing: Pricing) -> dict[int, tuple[int, int, int, int]]:
    """Tell of each seat: cap, unit price now, what its lines charge, what they say was paid or authorised."""
    team = pricing.team
    assert team
    told = {}
    for number, seat in pricing.seats.items():
        lines = [line.amounts for line in pricing.lines if line.seat_id == seat.seat_id]
        told[number] = (
            seat.cap,
            domain.explain(team, seat, pricing.table).unit_price,
            sum(amounts.charged for amounts in lines),
            sum(amounts.paid + amounts.authorised for amounts in lines),
        )
    return told


def _expected(kept: Books) -> dict[int, tuple[int, int, int, int]]:
    return {number: (seat.cap, kept.pays(number), seat.charged, seat.brought) for number, seat in kept.seats.items()}
