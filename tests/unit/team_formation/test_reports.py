"""Joins per invite, and the commission: rounded half up, once per invite."""

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.domain.reports import CampaignReport, Funnel, InviteReport

AMOUNTS = st.integers(0, 10**18)
BASIS_POINTS = st.integers(0, 10_000)


def an_invite(amount: int, basis_points: int) -> InviteReport:
    return InviteReport(UUID(int=1), "wechat", basis_points, Funnel(1, 1, 1, 1, 2, amount, 0, 0))


@pytest.mark.parametrize(
    ("amount", "basis_points", "commission"),
    [(0, 750, 0), (999, 0, 0), (10_000, 1, 1), (4_999, 1, 0), (5_000, 1, 1), (3_990, 750, 299), (7, 10_000, 7)],
)
def test_a_commission_is_rounded_half_up(amount: int, basis_points: int, commission: int) -> None:
    assert an_invite(amount, basis_points).commission == commission


@given(AMOUNTS, BASIS_POINTS)
def test_any_commission_is_what_decimal_arithmetic_says(amount: int, basis_points: int) -> None:
    exact = Decimal(amount) * basis_points / 10_000
    assert an_invite(amount, basis_points).commission == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_joins_per_invite_are_the_seats_taken_by_invites_for_each_that_was_made() -> None:
    assert CampaignReport(Funnel(joined=7), invites=4, invited=2, rows=()).joins_per_invite == 0.5


def test_without_invites_there_are_no_joins_per_invite() -> None:
    assert CampaignReport(Funnel(), invites=0, invited=0, rows=()).joins_per_invite == 0
