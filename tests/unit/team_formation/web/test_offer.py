"""What a team offers in numbers: the price of who joins now, and the next one that the team can reach."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation.domain import (
    Basis,
    Campaign,
    CountedIn,
    PriceRow,
    PriceStep,
    ReferenceKind,
    ReferencePrice,
    Role,
    Tally,
    Team,
    TeamState,
    Totals,
)
from services.team_formation.web.offer import Offer, offer_of
from tests.support.formation import START, a_campaign


def a_team(campaign: Campaign, *, confirmed: int = 0, held: int = 0, units: int = 1, **changes: object) -> Team:
    totals = Totals(confirmed, confirmed * units, held, held * units)
    team = Team(
        campaign.campaign_id,
        UUID(int=1),
        campaign.platform_id,
        1,
        TeamState.FORMING,
        1,
        totals,
        START,
        START + timedelta(hours=1),
        START + timedelta(hours=1),
        "mei",
    )
    return replace(team, **changes)  # type: ignore[arg-type]


def offered(campaign: Campaign, **team: object) -> Offer:
    return offer_of(a_team(campaign, **team), campaign.terms, campaign)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("confirmed", "now", "next_price", "missing"),
    [(0, 3990, 3490, 1), (1, 3490, 2990, 1), (2, 2990, 2490, 2), (3, 2990, 2490, 1), (4, 2490, None, 0)],
)
def test_the_price_is_the_one_with_the_readers_seat_added(
    confirmed: int, now: int, next_price: int | None, missing: int
) -> None:
    main = offered(a_campaign(), confirmed=confirmed).main
    assert (main.now, main.next_price, main.missing) == (now, next_price, missing)
    assert (main.lowest, main.lowest_at) == (2490, 5)


def test_unpaid_places_lower_no_price_and_take_room() -> None:
    offer = offered(a_campaign(), confirmed=1, held=3)
    assert offer.main.now == 3490
    assert (offer.room, offer.held, offer.needed) == (1, 3, 1)


def test_a_price_that_the_team_cannot_reach_is_not_promised() -> None:
    offer = offered(a_campaign(maximum=4), confirmed=2)
    assert offer.main.next_price is None
    assert (offer.main.lowest, offer.main.lowest_at) == (2990, 3)


def test_units_fill_a_ladder_of_units_and_not_the_places_of_members() -> None:
    offer = offered(a_campaign(basis=Basis.TEAM_UNITS), confirmed=1, units=3)
    assert offer.main.now == 2990
    assert (offer.confirmed, offer.fill) == (1, 3)
    counted = offered(a_campaign(counted_in=CountedIn.UNITS, maximum=9), confirmed=1, units=3)
    assert (counted.confirmed, counted.room) == (3, 6)


def test_a_ladder_of_the_whole_campaign_stands_at_its_tally() -> None:
    campaign = a_campaign(basis=Basis.CAMPAIGN_UNITS, maximum=2)
    offer = offered(campaign, tally=Tally(3, 3))
    assert (offer.main.now, offer.main.next_price, offer.main.missing) == (2990, 2490, 1)


def test_a_formed_team_has_the_price_that_it_formed_with() -> None:
    offer = offered(a_campaign(), confirmed=3, state=TeamState.FORMED, formed_fill=3)
    assert offer.main.now == 2990
    assert [step.is_yours for step in offer.ladder] == [False] * 4


def test_what_is_bought_alone_costs_its_reference_price() -> None:
    campaign = a_campaign()
    reference = ReferencePrice("mango", 4490, ReferenceKind.LOWEST_OF_30_DAYS)
    table = replace(campaign.terms.price_table, references=(reference,))
    campaign = replace(campaign, terms=replace(campaign.terms, price_table=table))
    main = offered(campaign).main
    assert (main.alone, main.alone_kind) == (4490, ReferenceKind.LOWEST_OF_30_DAYS)


def test_the_main_item_is_the_one_shown_else_the_cheapest() -> None:
    campaign = a_campaign()
    rows = (
        *campaign.terms.price_table.rows,
        *(PriceRow("papaya", role, (PriceStep(0, 990),)) for role in Role),
    )
    terms = replace(campaign.terms, price_table=replace(campaign.terms.price_table, rows=rows))
    campaign = replace(campaign, terms=terms)
    assert offered(campaign).main.sku == "papaya"
    assert offered(campaign).is_from
    shown = replace(campaign, shown_sku="mango")
    assert offered(shown).main.sku == "mango"
    assert not offered(shown).is_from


@given(st.integers(0, 12), st.integers(0, 5), st.integers(1, 12))
def test_no_price_named_is_above_the_one_alone_and_the_next_is_lower(confirmed: int, held: int, maximum: int) -> None:
    main = offered(a_campaign(minimum=1, maximum=maximum), confirmed=confirmed, held=held).main
    assert main.lowest <= main.now <= main.alone or confirmed >= maximum
    if main.next_price is not None:
        assert main.next_price < main.now
        assert main.missing >= 1
        assert confirmed + 1 + main.missing <= maximum
