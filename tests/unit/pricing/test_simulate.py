"""Simulated ladders: every point is the compiled table, revenue by a calculator written apart, dips where it falls."""

from itertools import pairwise
from typing import Any

import pytest
from groupbuy.pricing.v1 import ladder_pb2, simulation_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.errors import Rejected
from services.pricing.domain import (
    Assumed,
    Basis,
    Discount,
    DiscountKind,
    Ladder,
    ListPrice,
    PriceTable,
    Role,
    Tier,
    compile_ladder,
    simulate,
)
from services.pricing.rpc.simulation import simulate_ladder

ITEMS = (ListPrice("mango", 3990, 500), ListPrice("pear", 1250))


@st.composite
def tables(draw: st.DrawFn) -> PriceTable:
    """Draw a monotone ladder, compiled: discounts that grow, for all roles or more for leaders."""
    basis = draw(st.sampled_from([Basis.TEAM_MEMBERS, Basis.TEAM_UNITS]))
    thresholds = sorted(draw(st.sets(st.integers(1, 14), max_size=4)))
    points = sorted(draw(st.lists(st.integers(1, 8000), min_size=4, max_size=4)))
    more = draw(st.integers(0, 500))
    tiers = []
    for threshold, off in zip(thresholds, points, strict=False):
        every = Discount(DiscountKind.BASIS_POINTS_OFF, off)
        leader = Discount(DiscountKind.BASIS_POINTS_OFF, off + more, "", Role.LEADER)
        tiers.append(Tier(threshold, (every, leader) if more else (every,)))
    table = compile_ladder(draw(st.sampled_from(["JPY", "EUR", "KWD"])), ITEMS, Ladder(basis, tuple(tiers)), 1)
    assert isinstance(table, PriceTable), table
    return table


def earned(table: PriceTable, sku: str, fill: int, per_seat: int) -> tuple[int, int]:
    """Sell unit by unit, the leader's first: units and what they bring."""
    units = fill * per_seat if table.basis is Basis.TEAM_MEMBERS else fill
    rows = {role: table.row(sku, role) for role in Role}
    sold = [rows[Role.LEADER if unit < per_seat else Role.MEMBER] for unit in range(units)]
    return units, sum(row.at(fill).unit_price for row in sold if row)


@settings(deadline=None)
@given(tables(), st.integers(1, 16), st.integers(1, 3), st.integers(0, 3000))
def test_points_are_the_compiled_table(table: PriceTable, top: int, per_seat: int, cost: int) -> None:
    found = simulate(table, Assumed(top, per_seat, unit_costs={"mango": cost}))
    assert [point.fill for point in found.points] == list(range(top + 1))
    for point in found.points:
        assert point.tier == table.tier(point.fill)
        for item in point.items:
            assert (item.units, item.revenue) == earned(table, item.sku, point.fill, per_seat)
            assert item.margin == (item.revenue - cost * item.units if item.sku == "mango" else None)


@settings(deadline=None)
@given(tables(), st.integers(2, 16))
def test_monotone_ladders_give_monotone_prices(table: PriceTable, top: int) -> None:
    points = simulate(table, Assumed(top)).points
    for now, then in pairwise(points):
        for one, other in zip(now.items, then.items, strict=True):
            assert other.leader_price <= one.leader_price
            assert other.member_price <= one.member_price


@settings(deadline=None)
@given(tables(), st.integers(1, 16), st.integers(1, 3))
def test_dips_are_where_one_more_seat_brings_less(table: PriceTable, top: int, per_seat: int) -> None:
    step = 1 if table.basis is Basis.TEAM_MEMBERS else per_seat
    expected = {
        (sku, fill, fill + step)
        for sku in ("mango", "pear")
        for fill in range(1, top + 1 - step)
        if earned(table, sku, fill + step, per_seat)[1] < earned(table, sku, fill, per_seat)[1]
    }
    found = simulate(table, Assumed(top, per_seat)).dips
    assert {(dip.sku, dip.fill, dip.next_fill) for dip in found} == expected
    for dip in found:
        assert dip.next_revenue == earned(table, dip.sku, dip.next_fill, per_seat)[1]
        assert dip.next_revenue < dip.revenue == earned(table, dip.sku, dip.fill, per_seat)[1]


def fixed(price: int, role: Role | None = None) -> Discount:
    return Discount(DiscountKind.FIXED_PRICE, price, "", role)


def test_the_worst_case_takes_the_cheaper_role_at_the_highest_fill() -> None:
    tiers = (Tier(2, (fixed(900), fixed(800, Role.LEADER))), Tier(5, (fixed(600), fixed(500, Role.LEADER))))
    items = (ListPrice("mango", 1000, 450), ListPrice("pear", 1000))
    table = compile_ladder("EUR", items, Ladder(Basis.TEAM_MEMBERS, tiers), 1)
    assert isinstance(table, PriceTable)
    worst = simulate(table, Assumed(4, minimum=3, max_sponsored=1, unit_costs={"mango": 700, "pear": 900})).worst_case
    assert (worst.units, worst.revenue, worst.margin) == (2, 1600, -200)
    assert [(item.unit_price, item.with_coupon) for item in worst.items] == [(800, 450), (800, 0)]
    assert worst.at_least({"mango": 2, "pear": 1}) == 2400
    assert simulate(table, Assumed(5, minimum=3)).worst_case.revenue == 1500


def a_request(**more: Any) -> simulation_pb2.SimulateLadderRequest:
    tier = ladder_pb2.Tier(threshold=3, discounts=[ladder_pb2.Discount(basis_points_off=5000)])
    given_: dict[str, Any] = {
        "currency": "EUR",
        "list_prices": [ladder_pb2.ListPrice(sku="mango", unit_price=1000)],
        "ladder": ladder_pb2.Ladder(basis=ladder_pb2.BASIS_TEAM_MEMBERS, tiers=[tier]),
        "max_fill": 5,
        "minimum": 2,
    }
    return simulation_pb2.SimulateLadderRequest(**{**given_, **more})


def test_the_answer_has_points_dips_and_worst_case() -> None:
    answer = simulate_ladder(a_request(unit_costs=[simulation_pb2.UnitCost(sku="mango", unit_cost=600)]))
    assert [point.items[0].revenue for point in answer.points] == [0, 1000, 2000, 1500, 2000, 2500]
    assert [point.items[0].margin for point in answer.points] == [0, 400, 800, -300, -400, -500]
    dip = simulation_pb2.RevenueDip(sku="mango", fill=2, next_fill=3, revenue=2000, next_revenue=1500)
    assert list(answer.dips) == [dip]
    assert (answer.worst_case.units, answer.worst_case.revenue, answer.worst_case.margin) == (2, 1000, -200)
    assert answer.price_table.currency == "EUR"


def test_without_costs_there_is_no_margin() -> None:
    answer = simulate_ladder(a_request())
    assert not answer.worst_case.HasField("margin")
    assert not any(item.HasField("margin") for point in answer.points for item in point.items)


@pytest.mark.parametrize(
    ("more", "reason", "field"),
    [
        ({"currency": "ZZZ"}, "LADDER_INVALID", "currency"),
        ({"ladder": ladder_pb2.Ladder()}, "LADDER_INVALID", "ladder.basis"),
        ({"list_prices": []}, "LADDER_INVALID", "list_prices"),
        ({"max_fill": 0, "minimum": 0}, "INVALID_ARGUMENT", "max_fill"),
        ({"max_fill": 10_001}, "INVALID_ARGUMENT", "max_fill"),
        ({"units_per_seat": -1}, "INVALID_ARGUMENT", "units_per_seat"),
        ({"minimum": 6}, "INVALID_ARGUMENT", "minimum"),
        ({"max_sponsored": -1}, "INVALID_ARGUMENT", "max_sponsored"),
        ({"unit_costs": [simulation_pb2.UnitCost(sku="pear")]}, "INVALID_ARGUMENT", "unit_costs[0].sku"),
        ({"unit_costs": [simulation_pb2.UnitCost(sku="mango")] * 2}, "INVALID_ARGUMENT", "unit_costs[1].sku"),
        (
            {"unit_costs": [simulation_pb2.UnitCost(sku="mango", unit_cost=-1)]},
            "INVALID_ARGUMENT",
            "unit_costs[0].unit_cost",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_its_field(more: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(Rejected) as raised:
        simulate_ladder(a_request(**more))
    assert raised.value.reason == reason
    assert field in [violation.field for violation in raised.value.fields]
