"""What a member is told of prices by a tally: a move, and one missing unit, once until the fill has moved away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.domain import (
    Basis,
    CampaignNextTierCameNear,
    CampaignPriceChanged,
    PriceRow,
    PriceStep,
    PriceTable,
    Role,
    campaign_price_facts,
)


def table(*steps: tuple[int, int], version: int = 1) -> PriceTable:
    prices = tuple(PriceStep(threshold, price, tier) for tier, (threshold, price) in enumerate(((0, 100), *steps)))
    return PriceTable("EUR", Basis.CAMPAIGN_UNITS, version, (PriceRow("tea", Role.MEMBER, prices),))


TWO = table((5, 90), (10, 80))


@pytest.mark.parametrize(
    ("old_fill", "fill", "told"),
    [
        (0, 4, [("near", 5)]),
        (3, 4, [("near", 5)]),
        (4, 4, []),  # counted again, and nothing moved
        (4, 5, ["moved"]),
        (5, 4, ["moved"]),  # who left has brought nobody nearer
        (4, 3, []),  # away
        (4, 9, ["moved", ("near", 10)]),
        (9, 4, ["moved"]),
        (3, 12, ["moved"]),  # it was near somewhere between: nobody saw it
        (12, 11, []),  # no next tier
    ],
)
def test_a_tally_tells_a_move_and_one_missing_unit(old_fill: int, fill: int, told: list[object]) -> None:
    facts = campaign_price_facts([TWO], old_fill, fill, 7)
    assert [("near", f.next_threshold) if isinstance(f, CampaignNextTierCameNear) else "moved" for f in facts] == told
    assert [fact.sequence for fact in facts] == list(range(8, 8 + len(told)))


def test_a_next_tier_that_saves_nothing_is_not_near() -> None:
    assert campaign_price_facts([table((5, 100))], 0, 4, 0) == ()


def test_each_ladder_of_the_campaign_is_told_by_itself() -> None:
    facts = campaign_price_facts([TWO, table((4, 70), version=2), table((9, 70), version=3)], 3, 4, 0)
    assert [(type(fact), fact.ladder_version, fact.sequence) for fact in facts] == [
        (CampaignNextTierCameNear, 1, 1),
        (CampaignPriceChanged, 2, 2),
    ]


@given(st.lists(st.integers(0, 14), max_size=40))
def test_it_is_told_exactly_when_a_tally_comes_to_one_missing(fills: list[int]) -> None:
    told, before = [], 0
    for fill in fills:
        facts = campaign_price_facts([TWO], before, fill, 0)
        told += [fact.fill for fact in facts if isinstance(fact, CampaignNextTierCameNear)]
        before = fill
    came = [fill for last, fill in zip([0, *fills], fills, strict=False) if fill > last and fill in {4, 9}]
    assert told == came
