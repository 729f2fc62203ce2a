"""Compiling ladders: the table that comes out, by a calculator of fractions too, and every refusal by its field."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.domain import (
    Basis,
    Discount,
    DiscountKind,
    Ladder,
    ListPrice,
    PriceRow,
    PriceStep,
    PriceTable,
    ReferenceKind,
    ReferencePrice,
    Role,
    Tier,
    compile_ladder,
    discounted,
    payable,
    table_problem,
)

FIXED, OFF, POINTS = DiscountKind.FIXED_PRICE, DiscountKind.AMOUNT_OFF, DiscountKind.BASIS_POINTS_OFF
MANGO = ListPrice("mango", 3990)
PEAR = ListPrice("pear", 1250)
MOST = 10**12


def fixed(price: int, sku: str = "", role: Role | None = None) -> Discount:
    return Discount(FIXED, price, sku, role)


def ladder(*tiers: tuple[int, list[Discount]], basis: Basis | None = Basis.TEAM_MEMBERS) -> Ladder:
    return Ladder(basis, tuple(Tier(threshold, tuple(discounts)) for threshold, discounts in tiers))


def compiled(what: Ladder, *items: ListPrice) -> PriceTable:
    table = compile_ladder("EUR", items or (MANGO,), what, 1)
    assert isinstance(table, PriceTable), table
    assert table_problem(table) is None
    return table


def row(table: PriceTable, sku: str, role: Role) -> PriceRow:
    found = table.row(sku, role)
    assert found
    return found


def prices(found: PriceRow) -> list[tuple[int, int, int]]:
    return [(step.threshold, step.unit_price, step.tier) for step in found.steps]


def test_each_item_and_role_has_a_row_from_the_list_price_down() -> None:
    table = compiled(ladder((2, [fixed(3490)]), (3, [fixed(2990)]), (5, [fixed(2490)])))
    assert [(found.sku, found.role) for found in table.rows] == [("mango", Role.LEADER), ("mango", Role.MEMBER)]
    for found in table.rows:
        assert prices(found) == [(0, 3990, 0), (2, 3490, 1), (3, 2990, 2), (5, 2490, 3)]
    assert (table.currency, table.basis, table.ladder_version) == ("EUR", Basis.TEAM_MEMBERS, 1)


def test_the_most_specific_discount_of_a_tier_wins_whatever_their_order() -> None:
    discounts = [
        fixed(1000),
        fixed(900, role=Role.LEADER),
        fixed(800, "pear"),
        fixed(700, "pear", Role.LEADER),
    ]
    for order in (discounts, discounts[::-1]):
        table = compiled(ladder((2, order)), MANGO, PEAR)
        assert row(table, "mango", Role.MEMBER).at(2).unit_price == 1000
        assert row(table, "mango", Role.LEADER).at(2).unit_price == 900
        assert row(table, "pear", Role.MEMBER).at(2).unit_price == 800
        assert row(table, "pear", Role.LEADER).at(2).unit_price == 700
        assert row(table, "pear", Role.LEADER).at(2).discount == fixed(700, "pear", Role.LEADER)


def test_a_tier_that_says_nothing_for_a_row_keeps_its_price_and_makes_no_step() -> None:
    table = compiled(ladder((2, [fixed(1000, "pear")]), (4, [fixed(900)])), MANGO, PEAR)
    assert prices(row(table, "mango", Role.MEMBER)) == [(0, 3990, 0), (4, 900, 2)]
    assert row(table, "mango", Role.MEMBER).at(3).unit_price == 3990
    assert (table.tier(1), table.tier(2), table.tier(3), table.tier(4)) == (0, 1, 1, 2)
    assert (table.missing_to_next(0), table.missing_to_next(2), table.missing_to_next(3)) == (2, 2, 1)
    assert table.missing_to_next(4) == 0
    assert table.next_threshold(4) is None


def test_a_ladder_without_tiers_is_the_list_price_for_ever() -> None:
    table = compiled(ladder())
    assert row(table, "mango", Role.LEADER).at(10**6).unit_price == 3990
    assert (table.tier(99), table.missing_to_next(99), table.threshold(99)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("list_price", "points", "expected"),
    [
        (3990, 2500, 2993),  # 2992.5, half up
        (3990, 1250, 3491),  # 3491.25
        (1, 5000, 1),  # 0.5, half up
        (1, 5001, 0),  # 0.4999
        (3, 5000, 2),  # 1.5
        (100, 10000, 0),
        (MOST, 1, 999_900_000_000),
        (999, 1, 999),  # 998.9001
    ],
)
def test_basis_points_are_rounded_half_up_once(list_price: int, points: int, expected: int) -> None:
    assert discounted(list_price, Discount(POINTS, points)) == expected


@given(st.integers(1, MOST), st.integers(1, 10_000))
def test_basis_points_agree_with_fractions(list_price: int, points: int) -> None:
    exact = Fraction(list_price) * (1 - Fraction(points, 10_000))
    assert discounted(list_price, Discount(POINTS, points)) == floor(exact + Fraction(1, 2))


def reference(list_price: int, what: Ladder, sku: str, role: Role, fill: int) -> int:
    """Compute a price from the ladder alone, with fractions and by going through every tier; no shared code."""
    price = Fraction(list_price)
    for tier in what.tiers:
        if fill < tier.threshold:
            break
        for wanted in ((sku, role), (sku, None), ("", role), ("", None)):
            found = [d for d in tier.discounts if (d.sku, d.role) == wanted]
            if found:
                value = Fraction(found[0].value)
                if found[0].kind == "fixed_price":
                    price = value
                elif found[0].kind == "amount_off":
                    price = list_price - value
                else:
                    price = Fraction(floor(list_price * (10_000 - value) / 10_000 + Fraction(1, 2)))
                break
    assert price.denominator == 1
    return price.numerator


def discounts_of(sku: str) -> st.SearchStrategy[Discount]:
    kinds = st.one_of(
        st.tuples(st.just(FIXED), st.integers(0, 2000)),
        st.tuples(st.just(OFF), st.integers(0, 2000)),
        st.tuples(st.just(POINTS), st.integers(1, 10_000)),
    )
    return st.builds(
        lambda kind, role: Discount(kind[0], kind[1], sku, role),
        kinds,
        st.sampled_from([None, Role.LEADER, Role.MEMBER]),
    )


def any_discount() -> st.SearchStrategy[Discount]:
    return st.sampled_from(["", "a", "b"]).flatmap(discounts_of)


tiers = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.lists(any_discount(), min_size=1, max_size=4, unique_by=lambda discount: (discount.sku, discount.role)),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda tier: tier[0],
)
ITEMS = (ListPrice("a", 2000), ListPrice("b", 1999))


@given(tiers)
def test_whatever_compiles_is_monotone_and_agrees_with_the_reference(
    drawn: list[tuple[int, list[Discount]]],
) -> None:
    what = ladder(*sorted(drawn, key=lambda tier: tier[0]))
    table = compile_ladder("EUR", ITEMS, what, 1)
    expected = {
        (item.sku, role, fill): reference(item.unit_price, what, item.sku, role, fill)
        for item in ITEMS
        for role in Role
        for fill in range(32)
    }
    falls = all(expected[s, r, f + 1] <= expected[s, r, f] for s, r, f in expected if f < 31)
    assert isinstance(table, PriceTable) == (falls and min(expected.values()) >= 0)
    if isinstance(table, PriceTable):
        for (sku, role, fill), price in expected.items():
            assert row(table, sku, role).at(fill).unit_price == price
            assert table.missing_to_next(fill) == min(
                (t.threshold - fill for t in what.tiers if t.threshold > fill), default=0
            )


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=20, unique=True), st.integers(1, MOST))
def test_a_ladder_of_growing_discounts_always_compiles_to_falling_prices(points: list[int], list_price: int) -> None:
    steps = [(n + 1, [Discount(POINTS, value)]) for n, value in enumerate(sorted(points))]
    table = compiled(ladder(*steps), ListPrice("a", list_price))
    found = [step.unit_price for step in row(table, "a", Role.MEMBER).steps]
    assert found == sorted(found, reverse=True)
    assert min(found) >= 0


@given(st.integers(0, 40), st.integers(0, 40))
def test_moves_compare_two_fills_and_name_the_next_tier(old: int, new: int) -> None:
    table = compiled(ladder((2, [fixed(1000, "pear")]), (4, [fixed(900)]), (30, [Discount(POINTS, 9000)])), MANGO, PEAR)
    for move in table.moves(old, new):
        found = row(table, move.sku, move.role)
        assert (move.old, move.new) == (found.at(old).unit_price, found.at(new).unit_price)
        assert move.next == found.at(new + table.missing_to_next(new)).unit_price
    assert table.same_tier(old, new) == (table.tier(old) == table.tier(new))


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_nobody_pays_above_the_cap(price: int, cap: int) -> None:
    assert payable(price, cap) == min(price, cap) <= cap


GOOD = ladder((2, [fixed(3490)]), (3, [fixed(2990)]))

BAD: list[tuple[str, Ladder]] = [
    ("ladder.basis", replace(GOOD, basis=None)),
    ("ladder.tiers[0].threshold", ladder((0, [fixed(3490)]))),
    ("ladder.tiers[0].threshold", ladder((-3, [fixed(3490)]))),
    ("ladder.tiers[1].threshold", ladder((3, [fixed(3490)]), (2, [fixed(2990)]))),
    ("ladder.tiers[1].threshold", ladder((3, [fixed(3490)]), (3, [fixed(2990)]))),
    ("ladder.tiers[1].discounts", ladder((2, [fixed(3490)]), (3, []))),
    ("ladder.tiers[0].discounts[0]", ladder((2, [Discount(None, 0)]))),
    ("ladder.tiers[0].discounts[1]", ladder((2, [fixed(3490), Discount(OFF, 10)]))),
    (
        "ladder.tiers[0].discounts[2]",
        ladder((2, [fixed(1, "mango", Role.LEADER), fixed(2), fixed(3, "mango", Role.LEADER)])),
    ),
    ("ladder.tiers[0].discounts[0].sku", ladder((2, [fixed(3490, "melon")]))),
    ("ladder.tiers[0].discounts[0].basis_points_off", ladder((2, [Discount(POINTS, 0)]))),
    ("ladder.tiers[0].discounts[0].basis_points_off", ladder((2, [Discount(POINTS, 10_001)]))),
    ("ladder.tiers[0].discounts[0].amount_off", ladder((2, [Discount(OFF, -1)]))),
    ("ladder.tiers[0].discounts[0].fixed_price", ladder((2, [fixed(-1)]))),
    ("ladder.tiers[0].discounts[0].fixed_price", ladder((2, [fixed(MOST + 1)]))),
    ("ladder.tiers[0].discounts[0].amount_off", ladder((2, [Discount(OFF, MOST + 1)]))),
    ("ladder.tiers[1].discounts[0]", ladder((2, [fixed(1)]), (3, [Discount(OFF, 3991)]))),
    ("ladder.tiers[0].discounts[0]", ladder((2, [fixed(3991)]))),
    ("ladder.tiers[1].discounts[0]", ladder((2, [fixed(3490)]), (3, [fixed(3491)]))),
    ("ladder.tiers[1].discounts[0]", ladder((2, [fixed(10, "mango", Role.LEADER)]), (3, [fixed(11)]))),
    ("ladder.tiers", ladder(*((n + 1, [Discount(POINTS, n + 1)]) for n in range(101)))),
]


@pytest.mark.parametrize(("field", "bad"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_ladder_is_refused_by_the_path_of_its_field(field: str, bad: Ladder) -> None:
    problems = compile_ladder("EUR", (MANGO,), bad, 1)
    assert isinstance(problems, tuple)
    assert [problem.field for problem in problems] == [field]
    assert problems[0].description


def test_a_hundred_tiers_are_accepted() -> None:
    table = compiled(ladder(*((n + 1, [Discount(POINTS, n + 1)]) for n in range(100))))
    assert table.tier(100) == 100


@pytest.mark.parametrize(
    ("field", "currency", "items", "version"),
    [
        ("currency", "eur", (MANGO,), 1),
        ("currency", "EURO", (MANGO,), 1),
        ("currency", "", (MANGO,), 1),
        ("ladder_version", "EUR", (MANGO,), 0),
        ("list_prices", "EUR", (), 1),
        ("list_prices[1].sku", "EUR", (MANGO, MANGO), 1),
        ("list_prices[0].sku", "EUR", (ListPrice("", 5000),), 1),
        ("list_prices[1].unit_price", "EUR", (MANGO, ListPrice("pear", 0)), 1),
        ("list_prices[1].unit_price", "EUR", (MANGO, ListPrice("pear", MOST + 1)), 1),
    ],
)
def test_bad_surroundings_are_refused_by_their_field(
    field: str, currency: str, items: tuple[ListPrice, ...], version: int
) -> None:
    problems = compile_ladder(currency, items, GOOD, version)
    assert isinstance(problems, tuple)
    assert [problem.field for problem in problems] == [field]


def test_all_problems_come_at_once_each_field_once() -> None:
    bad = ladder((3, [fixed(-1)]), (2, [fixed(1, "melon"), fixed(1, "melon")]), basis=None)
    problems = compile_ladder("E", (ListPrice("mango", 0),), bad, 0)
    assert isinstance(problems, tuple)
    assert [problem.field for problem in problems] == [
        "currency",
        "ladder_version",
        "list_prices[0].unit_price",
        "ladder.basis",
        "ladder.tiers[0].discounts[0].fixed_price",
        "ladder.tiers[1].threshold",
        "ladder.tiers[1].discounts[0].sku",
        "ladder.tiers[1].discounts[1]",
        "ladder.tiers[1].discounts[1].sku",
    ]


def steps(*found: tuple[int, int]) -> tuple[PriceStep, ...]:
    return tuple(PriceStep(threshold, price, tier) for tier, (threshold, price) in enumerate(found))


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (PriceRow("a", Role.LEADER, ()),),
        (PriceRow("a", Role.LEADER, steps((1, 5))),),
        (PriceRow("a", Role.LEADER, steps((0, 5), (3, 4), (2, 3))),),
        (PriceRow("a", Role.LEADER, steps((0, 5), (2, -1))),),
        (PriceRow("a", Role.LEADER, steps((0, 5))), PriceRow("a", Role.LEADER, steps((0, 5)))),
        (
            PriceRow("a", Role.LEADER, steps((0, 5), (2, 4))),
            PriceRow("a", Role.MEMBER, (PriceStep(0, 5), PriceStep(2, 4, tier=7))),
        ),
    ],
)
def test_a_table_that_no_ladder_gives_is_a_problem(rows: tuple[PriceRow, ...]) -> None:
    assert table_problem(PriceTable("EUR", Basis.TEAM_MEMBERS, 1, rows))


@pytest.mark.parametrize(("currency", "listed", "floor"), [("JPY", 3990, 2990), ("EUR", 3990, 2990), ("KWD", 12345, 1)])
def test_no_tier_goes_below_the_floor(currency: str, listed: int, floor: int) -> None:
    item = ListPrice("mango", listed, floor)
    table = compile_ladder(currency, (item,), ladder((2, [fixed(floor)])), 1)
    assert isinstance(table, PriceTable)
    assert {found.floor_price for found in table.rows} == {floor}
    problems = compile_ladder(currency, (item,), ladder((2, [fixed(floor)]), (3, [fixed(floor - 1)])), 1)
    assert isinstance(problems, tuple)
    assert [problem.field for problem in problems] == ["ladder.tiers[1].discounts[0]"]
    assert f"below its floor price of {floor}; take less off, or lower the floor" in problems[0].description


@pytest.mark.parametrize("floor", [-1, 3991])
def test_a_floor_lies_from_zero_to_the_list_price(floor: int) -> None:
    problems = compile_ladder("EUR", (ListPrice("mango", 3990, floor),), ladder(), 1)
    assert isinstance(problems, tuple)
    assert [problem.field for problem in problems] == ["list_prices[0].floor_price"]


def test_reference_prices_stand_in_the_table_as_they_are() -> None:
    shown = (ReferencePrice("mango", 4290, ReferenceKind.LOWEST_OF_30_DAYS),)
    table = compile_ladder("EUR", (MANGO,), GOOD, 1, shown)
    assert isinstance(table, PriceTable)
    assert table.references == shown


def test_a_bad_reference_price_is_refused_by_its_field() -> None:
    shown = [ReferencePrice("melon", 1, ReferenceKind.LIST), ReferencePrice("mango", 0, None)]
    problems = compile_ladder("EUR", (MANGO,), GOOD, 1, [*shown, ReferencePrice("mango", 1, ReferenceKind.LIST)])
    assert isinstance(problems, tuple)
    fields = ["references[0].sku", "references[1].unit_price", "references[1].kind", "references[2].sku"]
    assert [problem.field for problem in problems] == fields


def test_a_stored_table_below_its_floor_is_a_problem() -> None:
    row_below = PriceRow("a", Role.LEADER, (PriceStep(0, 5), PriceStep(2, 3, 1)), 4)
    assert table_problem(PriceTable("EUR", Basis.TEAM_MEMBERS, 1, (row_below,)))
