"""Compiles a ladder into a price table, or says everything that is wrong with it.

Formulas, in integers: a fixed price is the price itself; an amount off gives `list - amount`; basis points off give
`(list * (10000 - points) + 5000) // 10000`, which is `list * (1 - points / 10000)` rounded half up, once: x rounded
half up is by definition the floor of x + 1/2, and both sides are multiplied by 10000 here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.pricing.domain.price import (
    Basis,
    Discount,
    DiscountKind,
    PriceRow,
    PriceStep,
    PriceTable,
    ReferencePrice,
    Role,
)

MOST_TIERS = 100
MOST_MINOR_UNITS = 10**12
WHOLE = 10_000
"""Basis points of the whole."""

_CURRENCY = re.compile(r"[A-Z]{3}")

_BySubject: TypeAlias = dict[tuple[str, Role | None], tuple[int, Discount]]
"""A tier's discounts, with their positions, by the item and role that each names; no two name the same."""


@dataclass(frozen=True, slots=True)
class ListPrice:
    """Unit price of one item without any team, and what no tier goes below, in minor units; a floor of 0 is none."""

    sku: str
    unit_price: int
    floor_price: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a ladder, from a fill on."""

    threshold: int
    discounts: tuple[Discount, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers, ascending by threshold; the basis is None where it was not said."""

    basis: Basis | None
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and how to mend it."""

    field: str
    description: str


def compile_ladder(
    currency: str,
    list_prices: Sequence[ListPrice],
    ladder: Ladder,
    version: int,
    references: Sequence[ReferencePrice] = (),
) -> PriceTable | tuple[Problem, ...]:
    """Make the table of a ladder, a row per item and role in the items' order, or list its problems, one per field."""
    problems = list(_wrong(currency, list_prices, ladder, version))
    problems += _wrong_references(references, {item.sku for item in list_prices})
    rows: list[PriceRow] = []
    if not problems:
        tiers = [(tier, _by_subject(tier)) for tier in ladder.tiers]
        for item in list_prices:
            rows += [_row(item, role, tiers, problems) for role in Role]
    if problems or ladder.basis is None:
        return _once_per_field(problems)
    return PriceTable(currency, ladder.basis, version, tuple(rows), tuple(references))


def discounted(list_price: int, discount: Discount) -> int:
    """Apply a discount to a list price, by the formulas above; minor units, below zero where it takes off too much."""
    if discount.kind is DiscountKind.FIXED_PRICE:
        return discount.value
    if discount.kind is DiscountKind.AMOUNT_OFF:
        return list_price - discount.value
    return (list_price * (WHOLE - discount.value) + WHOLE // 2) // WHOLE


def _row(item: ListPrice, role: Role, tiers: Sequence[tuple[Tier, _BySubject]], problems: list[Problem]) -> PriceRow:
    steps = [PriceStep(0, item.unit_price)]
    for index, (tier, discounts) in enumerate(tiers):
        found = _most_specific(discounts, item.sku, role)
        if found is None:
            continue
        position, discount = found
        price = discounted(item.unit_price, discount)
        path = f"ladder.tiers[{index}].discounts[{position}]"
        if price < 0:
            problems.append(Problem(path, f"takes more off {item.sku} than its list price of {item.unit_price}"))
        elif price < item.floor_price:
            problems.append(Problem(path, _below_floor(item, price)))
        elif price > steps[-1].unit_price:
            problems.append(Problem(path, _dearer(item.sku, role, price, steps[-1])))
        steps.append(PriceStep(tier.threshold, price, index + 1, discount))
    return PriceRow(item.sku, role, tuple(steps), item.floor_price)


def _below_floor(item: ListPrice, price: int) -> str:
    return (
        f"takes {item.sku} to {price}, below its floor price of {item.floor_price}; take less off, or lower the floor"
    )


def _dearer(sku: str, role: Role, price: int, before: PriceStep) -> str:
    than = f"tier {before.tier}" if before.tier else "the list price"
    return (
        f"makes {sku} dearer for a {role.lower()}: {price} after {before.unit_price} at {than}; a fuller team pays less"
    )


def _by_subject(tier: Tier) -> _BySubject:
    return {(item.sku, item.role): (position, item) for position, item in enumerate(tier.discounts)}


def _most_specific(discounts: _BySubject, sku: str, role: Role) -> tuple[int, Discount] | None:
    """Find the discount of a tier for a row: item and role before item, before role, before all."""
    subjects = ((sku, role), (sku, None), ("", role), ("", None))
    return next((discounts[subject] for subject in subjects if subject in discounts), None)


def _wrong(currency: str, list_prices: Sequence[ListPrice], ladder: Ladder, version: int) -> Iterator[Problem]:
    if not _CURRENCY.fullmatch(currency):
        yield Problem("currency", "must be an ISO 4217 code of three capital letters, for instance EUR")
    if version < 1:
        yield Problem("ladder_version", "must be 1 or more")
    yield from _wrong_list_prices(list_prices)
    if ladder.basis is None:
        yield Problem(
            "ladder.basis", "must say what fills the ladder: members or units of the team, or units of the campaign"
        )
    if len(ladder.tiers) > MOST_TIERS:
        yield Problem("ladder.tiers", f"must be at most {MOST_TIERS}, not {len(ladder.tiers)}")
        return
    skus = {item.sku for item in list_prices}
    before = 0
    for index, tier in enumerate(ladder.tiers):
        yield from _wrong_tier(f"ladder.tiers[{index}]", tier, before, skus)
        before = max(before, tier.threshold)


def _wrong_list_prices(list_prices: Sequence[ListPrice]) -> Iterator[Problem]:
    if not list_prices:
        yield Problem("list_prices", "must name at least one item")
    seen: set[str] = set()
    for index, item in enumerate(list_prices):
        path = f"list_prices[{index}]"
        if not item.sku:
            yield Problem(f"{path}.sku", "must not be empty")
        elif item.sku in seen:
            yield Problem(f"{path}.sku", f"{item.sku} is listed twice; list each item once")
        seen.add(item.sku)
        if not 1 <= item.unit_price <= MOST_MINOR_UNITS:
            yield Problem(f"{path}.unit_price", f"must be 1 to {MOST_MINOR_UNITS} minor units, not {item.unit_price}")
        if not 0 <= item.floor_price <= max(item.unit_price, 0):
            problem = f"must be 0, which is no floor, to the list price of {item.unit_price}, not {item.floor_price}"
            yield Problem(f"{path}.floor_price", problem)


def _wrong_references(references: Sequence[ReferencePrice], skus: set[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, reference in enumerate(references):
        path = f"references[{index}]"
        if reference.sku not in skus:
            yield Problem(f"{path}.sku", f"{reference.sku or 'empty'} is none of the items")
        elif reference.sku in seen:
            yield Problem(f"{path}.sku", f"{reference.sku} has two reference prices; keep one of them")
        seen.add(reference.sku)
        if not 1 <= reference.unit_price <= MOST_MINOR_UNITS:
            problem = f"must be 1 to {MOST_MINOR_UNITS} minor units, not {reference.unit_price}"
            yield Problem(f"{path}.unit_price", problem)
        if reference.kind is None:
            yield Problem(f"{path}.kind", "must say what price it is: LIST or LOWEST_OF_30_DAYS")


def _wrong_tier(path: str, tier: Tier, before: int, skus: set[str]) -> Iterator[Problem]:
    if tier.threshold < 1:
        yield Problem(f"{path}.threshold", f"must be 1 or more, not {tier.threshold}")
    elif tier.threshold <= before:
        yield Problem(f"{path}.threshold", f"must be above the tier before it, which begins at {before}")
    if not tier.discounts:
        yield Problem(f"{path}.discounts", "must have at least one discount")
    seen: set[tuple[str, Role | None]] = set()
    for position, discount in enumerate(tier.discounts):
        here = f"{path}.discounts[{position}]"
        if (discount.sku, discount.role) in seen:
            yield Problem(here, "is for the same item and role as another discount of this tier; keep one of them")
        seen.add((discount.sku, discount.role))
        if discount.sku and discount.sku not in skus:
            yield Problem(f"{here}.sku", f"{discount.sku} is none of the items; leave it empty to mean every item")
        yield from _wrong_value(here, discount)


def _wrong_value(path: str, discount: Discount) -> Iterator[Problem]:
    if discount.kind is None:
        yield Problem(path, "must have a fixed_price, an amount_off or basis_points_off")
    elif discount.kind is DiscountKind.BASIS_POINTS_OFF:
        if not 1 <= discount.value <= WHOLE:
            yield Problem(f"{path}.{discount.kind}", f"must be 1 to {WHOLE} basis points, not {discount.value}")
    elif not 0 <= discount.value <= MOST_MINOR_UNITS:
        yield Problem(f"{path}.{discount.kind}", f"must be 0 to {MOST_MINOR_UNITS} minor units, not {discount.value}")


def _once_per_field(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.field, problem)
    return tuple(first.values())
