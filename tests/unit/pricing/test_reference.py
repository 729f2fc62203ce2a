"""The engine's prices and settlement lines against a calculator that shares no code with it, on 100,000 histories."""

from collections import Counter
from collections.abc import Iterator

import pytest

from services.pricing import domain
from tests.support.reference import Books, Ladder, books
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
        promised = {seat: (quote.cap, bool(quote.steps)) for seat, quote in pricing.quotes.items()}
        assert promised == {seat: (cap, coupon is not None) for seat, (cap, coupon) in expected.quotes.items()}
        reached.update(item.what for item in history)
        reached.update(line.cause for line in pricing.lines)
        reached.update(kind for seat in pricing.seats.values() for kind in _kinds(ladder, seat, expected))
    assert min(reached[kind] for kind in KINDS) > 20, reached
    assert reached[RARE] > 3, reached
    assert min(reached[cause] for cause in domain.Cause if cause not in APART) > 100, reached


KINDS = {"own price", "at the floor", "amount_off", "basis_points_off", "before the tier"}
RARE = "cap of a quote"
"""A promise below the price: somebody has to leave between the quote and the join, and a tier with them."""


def _kinds(ladder: Ladder, seat: domain.Seat, kept: Books) -> Iterator[str]:
    """Say what is special about the price of a seat, so that the histories are known to have it."""
    coupon = kept.seats[seat.seat_id.int].coupon
    if seat.cap_from_quote:
        yield RARE
    if coupon:
        yield "own price"
        yield coupon.kind
        if coupon.before_tier:
            yield "before the tier"
        if 0 < ladder.floors.get(seat.sku, 0) == seat.cap:
            yield "at the floor"


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
