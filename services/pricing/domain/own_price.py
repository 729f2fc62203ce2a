"""The own price row of a quote: what one member pays at each fill with a coupon of their own.

Formulas, exact until the end: with list price L, a step's discount d and the coupon c, each a function on fractions
(fixed price v: v; amount off v: x - v; basis points off p: x * (10000 - p) / 10000), the price of a step is
`c(d(L))` where the coupon comes after the tier, and `d(c(L))` where it comes before; a tier's fixed price is then the
lesser of v and what the coupon has left. It is rounded half up once (the floor of x + 1/2) and never goes below the
floor, or zero. Two rules protect the member: a step never costs more than the price table says without a coupon, and
never more than the step before it, so that a fuller team never pays more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import floor

from services.pricing.domain.ladder import MOST_MINOR_UNITS, WHOLE, Problem
from services.pricing.domain.price import Discount, DiscountKind, PriceRow, PriceStep

_HALF = Fraction(1, 2)


class CouponKind(StrEnum):
    """How a coupon lowers a price; named as the fields of the message."""

    AMOUNT_OFF = "amount_off"
    BASIS_POINTS_OFF = "basis_points_off"


class CouponOrder(StrEnum):
    """Whether a coupon is taken off what the tier has left, or the tier off what the coupon has left."""

    AFTER_TIER = "AFTER_TIER"
    BEFORE_TIER = "BEFORE_TIER"


@dataclass(frozen=True, slots=True)
class Coupon:
    """What one member gets off each unit; value in minor units or basis points."""

    kind: CouponKind
    value: int


@dataclass(frozen=True, slots=True)
class OwnStep:
    """From this fill on, this unit price in minor units, for one member."""

    threshold: int
    unit_price: int


def coupon_problem(coupon: Coupon) -> Problem | None:
    """Say what is wrong with a coupon's value, if anything is; the field is named from the coupon on."""
    most, unit = MOST_MINOR_UNITS, "minor units"
    if coupon.kind is CouponKind.BASIS_POINTS_OFF:
        most, unit = WHOLE, "basis points"
    if 1 <= coupon.value <= most:
        return None
    return Problem(f"coupon.{coupon.kind}", f"must be 1 to {most} {unit}, not {coupon.value}")


def own_row(row: PriceRow, coupon: Coupon, order: CouponOrder, floor_price: int = 0) -> tuple[OwnStep, ...]:
    """Make the own row, a step for each step of the row, by the formulas above; minor units; floor 0 means none."""
    return tuple(_own_steps(row, coupon, order, floor_price))


def _own_steps(row: PriceRow, coupon: Coupon, order: CouponOrder, floor_price: int) -> Iterator[OwnStep]:
    least = row.list_price
    for step in row.steps:
        exact = exact_price(row.list_price, step, coupon, order)
        least = min(least, step.unit_price, max(floor_price, floor(exact + _HALF), 0))
        yield OwnStep(step.threshold, least)


def exact_price(list_price: int, step: PriceStep, coupon: Coupon, order: CouponOrder) -> Fraction:
    """Give list price, tier and coupon in the campaign's order, before rounding and before any floor."""
    if order is CouponOrder.BEFORE_TIER:
        return _tier_off(_coupon_off(Fraction(list_price), coupon), step.discount)
    return _coupon_off(_tier_off(Fraction(list_price), step.discount), coupon)


def _coupon_off(price: Fraction, coupon: Coupon) -> Fraction:
    if coupon.kind is CouponKind.AMOUNT_OFF:
        return price - coupon.value
    return price * (WHOLE - coupon.value) / WHOLE


def _tier_off(price: Fraction, discount: Discount | None) -> Fraction:
    if discount is None:
        return price
    if discount.kind is DiscountKind.FIXED_PRICE:
        return min(price, Fraction(discount.value))
    if discount.kind is DiscountKind.AMOUNT_OFF:
        return price - discount.value
    return price * (WHOLE - discount.value) / WHOLE


def own_price(steps: tuple[OwnStep, ...], fill: int) -> OwnStep:
    """Find the step that holds at a fill: the last whose threshold it has reached."""
    return next(step for step in reversed(steps) if step.threshold <= fill)
