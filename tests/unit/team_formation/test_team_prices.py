"""What a team costs: at its confirmed fill while it is open; once it has formed, at the fill it formed with."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from groupbuy.team_formation.v1 import types_pb2

from services.team_formation import domain, translate
from tests.support.formation import LADDER, START, a_campaign


def price(team: domain.Team, campaign: domain.Campaign) -> int:
    """Read the price from a team's answer; the two ways to write one must agree."""
    written = translate.team(team, campaign.terms)
    scribe = translate.Scribe(campaign.platform_id, campaign.campaign_id)
    assert types_pb2.Team.FromString(scribe.team(team, campaign.terms)) == written
    (found,) = {item.unit_price.minor_units for item in written.prices}
    return found


@pytest.mark.parametrize("basis", [domain.Basis.TEAM_MEMBERS, domain.Basis.TEAM_UNITS])
def test_who_gives_a_seat_back_after_formation_leaves_the_price_as_it_is(basis: domain.Basis) -> None:
    campaign = a_campaign(basis=basis)
    open_team = domain.Team(
        campaign.campaign_id,
        uuid4(),
        campaign.platform_id,
        1,
        domain.TeamState.TIPPED,
        version=9,
        totals=domain.Totals(confirmed_members=2, confirmed_units=3),
        opened_at=START,
        ends_at=START + timedelta(hours=1),
        due_at=START + timedelta(hours=1),
        opener_member_id="mei",
    )
    fill = open_team.totals.ladder_fill(basis)
    assert price(open_team, campaign) == LADDER[fill]
    left = replace(open_team, totals=domain.Totals(confirmed_members=1, confirmed_units=1))
    assert price(left, campaign) == LADDER[0]
    formed = replace(left, state=domain.TeamState.FORMED, formed_fill=fill)
    assert price(formed, campaign) == LADDER[fill]


def test_tables_of_other_prices_hash_apart() -> None:
    table = a_campaign().terms.price_table
    rows = [
        replace(row, steps=(replace(row.steps[0], unit_price=row.steps[0].unit_price + 1), *row.steps[1:]))
        for row in table.rows
    ]
    other = replace(table, rows=tuple(rows))
    assert hash(other) != hash(table)
    assert hash(replace(table)) == hash(table)
