"""What a promoter earns by a seat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.domain import unit_commission


@pytest.mark.parametrize(
    ("price", "basis_points", "earned"),
    [(2990, 500, 150), (2990, 0, 0), (0, 500, 0), (1, 4999, 0), (1, 5000, 1), (2990, 10_000, 2990), (3990, 333, 133)],
)
def test_the_commission_of_a_unit_is_rounded_half_up(price: int, basis_points: int, earned: int) -> None:
    assert unit_commission(price, basis_points) == earned


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_nobody_earns_more_than_the_price(price: int, basis_points: int) -> None:
    assert 0 <= unit_commission(price, basis_points) <= price
