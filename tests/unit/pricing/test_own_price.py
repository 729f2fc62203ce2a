"""Own price rows: worked examples, and properties over any ladder, coupon, order and floor."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.domain import (
    Coupon,
    CouponKind,
    CouponOrder,
    Discount,
    DiscountKind,
    OwnStep,
    PriceRow,
    PriceStep,
    Role,
    coupon_problem,
    discounted,
    own_price,
    own_row,
)

FIXED, OFF, POINTS = DiscountKind.FIXED_PRICE, DiscountKind.AMOUNT_OFF, DiscountKind.BASIS_POINTS_OFF
AFTER, BEFORE = CouponOrder.AFTER_TIER, CouponOrder.BEFORE_TIER
LIST_PRICES = {"JPY": 3990, "EUR": 39_90, "BHD": 39_900}
"""About the same price in currencies with 0, 2 and 3 decimals: minor units are what is counted, whatever they are."""


def amount(value: int) -> Coupon:
    return Coupon(CouponKind.AMOUNT_OFF, value)


def points(value: int) -> Coupon:
    return Coupon(CouponKind.BASIS_POINTS_OFF, value)


def row(list_price: int, *discounts: Discount) -> PriceRow:
    """A row with a tier at 3, 6, 9...; a tier that would be dearer than the one before it is left out."""
    steps = [PriceStep(0, list_price)]
    for tier, discount in enumerate(discounts, start=1):
        price = discounted(list_price, discount)
        if 0 <= price <= steps[-1].unit_price:
            steps.append(PriceStep(3 * tier, price, tier, discount))
    return PriceRow("mango", Role.MEMBER, tuple(steps))


def prices(steps: tuple[OwnStep, ...]) -> list[int]:
    return [step.unit_price for step in steps]


def test_after_the_tier_the_coupon_is_taken_off_what_the_tier_has_left() -> None:
    assert prices(own_row(row(4000, Discount(POINTS, 2500)), amount(500), AFTER)) == [3500, 2500]


def test_before_the_tier_the_tier_is_taken_off_what_the_coupon_has_left() -> None:
    assert prices(own_row(row(4000, Discount(POINTS, 2500)), amount(500), BEFORE)) == [3500, 2625]


def test_it_is_rounded_once() -> None:
    # half of 99 is 49.5, less 9 % exactly 45.045; rounded after each step it would be 50, 45.5, 46
    assert prices(own_row(row(99, Discount(POINTS, 5000)), points(900), AFTER)) == [90, 45]


def test_a_half_goes_up() -> None:
    assert prices(own_row(row(5), points(5000), AFTER)) == [3]


def test_no_price_goes_below_the_floor_or_zero() -> None:
    mango = row(4000, Discount(OFF, 1000), Discount(FIXED, 2000))
    assert prices(own_row(mango, amount(1500), AFTER, 1800)) == [2500, 1800, 1800]
    assert prices(own_row(mango, amount(9000), AFTER)) == [0, 0, 0]


def test_a_fixed_price_is_no_rise_for_whose_coupon_has_left_less() -> None:
    assert prices(own_row(row(4000, Discount(FIXED, 3000)), amount(1500), BEFORE)) == [2500, 2500]


def test_a_fuller_team_never_costs_more_where_the_coupon_turns_the_tiers_round() -> None:
    mango = row(100, Discount(OFF, 50), Discount(POINTS, 5500))
    assert prices(own_row(mango, amount(40), BEFORE)) == [60, 10, 10]  # the second tier alone would be 27


def test_the_step_that_holds_is_the_last_one_reached() -> None:
    steps = own_row(row(4000, Discount(OFF, 1000)), amount(500), AFTER)
    assert [own_price(steps, fill).unit_price for fill in (0, 2, 3, 90)] == [3500, 3500, 2500, 2500]


@pytest.mark.parametrize("wrong", [amount(0), amount(-1), amount(10**12 + 1), points(0), points(10_001)])
def test_a_coupon_of_nothing_or_too_much_is_refused_by_its_field(wrong: Coupon) -> None:
    problem = coupon_problem(wrong)
    assert problem is not None
    assert problem.field == f"coupon.{wrong.kind}"
    assert str(wrong.value) in problem.description


def test_the_greatest_coupons_are_accepted() -> None:
    assert [coupon_problem(coupon) for coupon in (amount(10**12), points(10_000))] == [None, None]


@st.composite
def cases(draw: st.DrawFn) -> tuple[PriceRow, Coupon, CouponOrder, int]:
    currency = draw(st.sampled_from(sorted(LIST_PRICES)))
    list_price = draw(st.integers(1, 2 * LIST_PRICES[currency]))
    values = {FIXED: st.integers(0, list_price), OFF: st.integers(0, list_price), POINTS: st.integers(1, 10_000)}
    kinds = draw(st.lists(st.sampled_from(list(values)), max_size=6))
    mango = row(list_price, *(Discount(kind, draw(values[kind])) for kind in kinds))
    coupon = draw(
        st.one_of(st.builds(amount, st.integers(1, 2 * list_price)), st.builds(points, st.integers(1, 10_000)))
    )
    lowest = min(step.unit_price for step in mango.steps)
    return mango, coupon, draw(st.sampled_from([AFTER, BEFORE])), draw(st.integers(0, lowest))


@given(cases())
def test_an_own_row_keeps_every_promise(case: tuple[PriceRow, Coupon, CouponOrder, int]) -> None:
    mango, coupon, order, floor_price = case
    steps = own_row(mango, coupon, order, floor_price)
    assert [step.threshold for step in steps] == [step.threshold for step in mango.steps]
    assert all(own.unit_price <= step.unit_price for own, step in zip(steps, mango.steps, strict=True))
    assert all(own.unit_price >= floor_price for own in steps)
    assert prices(steps) == sorted(prices(steps), reverse=True)


@given(cases())
def test_each_price_is_the_exact_one_rounded_half_up_once(case: tuple[PriceRow, Coupon, CouponOrder, int]) -> None:
    """Counted apart, in integers over a common denominator of 10^8."""
    mango, coupon, order, floor_price = case
    least = mango.list_price
    for own, step in zip(own_row(mango, coupon, order, floor_price), mango.steps, strict=True):
        rounded = (2 * _in_10_8(mango, coupon, order, step) + 10**8) // (2 * 10**8)
        least = min(least, step.unit_price, max(rounded, floor_price, 0))
        assert own.unit_price == least


def _in_10_8(mango: PriceRow, coupon: Coupon, order: CouponOrder, step: PriceStep) -> int:
    price = Fraction(mango.list_price * 10**8)
    acts: list[tuple[str, int]] = [(step.discount.kind or "", step.discount.value)] if step.discount else []
    acts.insert(len(acts) if order is AFTER else 0, (coupon.kind, coupon.value))
    for kind, value in acts:
        if kind == FIXED:
            price = min(price, Fraction(value * 10**8))
        elif kind == OFF:
            price -= value * 10**8
        else:
            price -= price * value / 10_000
    assert price.denominator == 1
    return price.numerator
