"""Sums of reports, and the commission: rounded half up, once per invite."""

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.domain.reports import CampaignReport, Funnel, InviteReport, PromoterReport, ReportPart

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


@given(st.lists(st.tuples(AMOUNTS, BASIS_POINTS)))
def test_the_whole_commission_is_the_sum_of_what_stands_beside_the_invites(invites: list[tuple[int, int]]) -> None:
    many = len(invites)
    report = PromoterReport(tuple(an_invite(*invite) for invite in invites))
    assert report.commission == sum(invite.commission for invite in report.invites)
    assert report.total == Funnel(many, many, many, many, 2 * many, sum(amount for amount, _ in invites))


def test_a_campaign_counts_what_belongs_to_no_part_and_shows_the_others_by_key() -> None:
    parts = (
        ReportPart("wechat", Funnel(opened=3, joined=2), invites=2, invited=2),
        ReportPart(None, Funnel(opened=1), invites=2, invited=0),
        ReportPart("", Funnel(joined=5, expired=1), invites=0, invited=0),
    )
    report = CampaignReport(parts)
    assert report.total == Funnel(opened=4, joined=7, expired=1)
    assert [row.key for row in report.rows] == ["", "wechat"]
    assert report.joins_per_invite == 0.5


def test_without_invites_there_are_no_joins_per_invite() -> None:
    assert CampaignReport(()).joins_per_invite == 0
    assert CampaignReport(()).total == Funnel()
