"""Floors, reference prices, tax and shown charges over a real gRPC server: refused, stored, shown, told."""

from typing import Any

import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from tests.support.formation import Formation
from tests.support.shop_api import Api, a_request, refused

LOWEST = ladder_pb2.REFERENCE_KIND_LOWEST_OF_30_DAYS


def in_currency(currency: str) -> pb.CreateCampaignRequest:
    """Ask for a campaign that shows all there is, in a currency."""
    request = a_request(currency=currency)
    item, shown = request.items[0], request.presentation
    item.list_price.currency = currency
    item.floor_price.CopyFrom(Money(minor_units=2490, currency=currency))
    item.reference.CopyFrom(ladder_pb2.ReferencePrice(unit_price=4290, kind=LOWEST))
    shown.prices_include_tax = True
    delivery = shown.charges.add(kind=types_pb2.CHARGE_KIND_DELIVERY, label="Parcel")
    delivery.fixed.CopyFrom(Money(minor_units=490, currency=currency))
    shown.charges.add(kind=types_pb2.CHARGE_KIND_TAX, label="VAT", basis_points=1900)
    return request


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
async def test_what_a_page_shows_is_stored_and_told(api: Api, formation: Formation, currency: str) -> None:
    request = in_currency(currency)
    made = (await api.call("CreateCampaign", request)).campaign
    kept = (await api.call("GetCampaign", pb.GetCampaignRequest(campaign_id=made.campaign_id))).campaign
    expected = ladder_pb2.ReferencePrice(sku="mango", unit_price=4290, kind=LOWEST)
    assert (kept.items[0].floor_price.minor_units, kept.items[0].reference) == (2490, expected)
    assert kept.presentation == request.presentation
    opened = await api.call("OpenTeam", pb.OpenTeamRequest(request_id="o", campaign_id=made.campaign_id, member_id="m"))
    table = (await api.call("GetTeam", pb.GetTeamRequest(team_id=opened.team.team_id))).price_table
    assert (table.currency, list(table.references)) == (currency, [expected])
    assert [row.floor_price for row in table.rows] == [2490, 2490]
    ((payload,),) = await formation.rows(
        "SELECT payload FROM outbox WHERE aggregatetype = 'groupbuy.team.v1' ORDER BY sequence LIMIT 1"
    )
    told = events_pb2.TeamEvent.FromString(payload).team_opened
    assert (told.price_table, told.presentation) == (table, request.presentation)


@pytest.mark.parametrize(
    ("change", "field", "remedy"),
    [
        (lambda r: setattr(r.items[0].floor_price, "minor_units", 3991), "items[0].floor_price", "leave it out"),
        (lambda r: setattr(r.items[0].floor_price, "minor_units", -1), "items[0].floor_price", "leave it out"),
        (lambda r: setattr(r.items[0].floor_price, "currency", "USD"), "items[0].floor_price.currency", "EUR"),
        (lambda r: setattr(r.items[0].reference, "sku", "pear"), "items[0].reference.sku", "or empty"),
        (lambda r: setattr(r.items[0].reference, "unit_price", 0), "items[0].reference.unit_price", "must be 1 to"),
        (lambda r: r.items[0].reference.ClearField("kind"), "items[0].reference.kind", "LOWEST_OF_30_DAYS"),
        (lambda r: r.presentation.charges[0].ClearField("kind"), "presentation.charges[0].kind", "DELIVERY or TAX"),
        (lambda r: setattr(r.presentation.charges[0], "label", ""), "presentation.charges[0].label", "characters"),
        (lambda r: r.presentation.charges[0].ClearField("fixed"), "presentation.charges[0]", "basis_points"),
        (
            lambda r: setattr(r.presentation.charges[0].fixed, "minor_units", -1),
            "presentation.charges[0].fixed",
            "must be 0 to",
        ),
        (
            lambda r: setattr(r.presentation.charges[0].fixed, "currency", "USD"),
            "presentation.charges[0].fixed.currency",
            "EUR",
        ),
        (
            lambda r: setattr(r.presentation.charges[1], "basis_points", 10_001),
            "presentation.charges[1].basis_points",
            "1 to",
        ),
        (lambda r: r.presentation.charges.extend([r.presentation.charges[1]] * 19), "presentation.charges", "20"),
    ],
)
async def test_what_cannot_be_shown_is_refused_by_its_field(api: Api, change: Any, field: str, remedy: str) -> None:
    request = in_currency("EUR")
    change(request)
    _, reason, fields = await refused(api.call("CreateCampaign", request))
    assert (reason, list(fields)) == ("INVALID_ARGUMENT", [field])
    assert remedy in fields[field]


async def test_a_tier_below_the_floor_names_its_discount(api: Api) -> None:
    request = in_currency("EUR")
    request.items[0].floor_price.minor_units = 2491
    _, reason, fields = await refused(api.call("CreateCampaign", request))
    assert (reason, list(fields)) == ("LADDER_INVALID", ["ladder.tiers[2].discounts[0]"])
    assert "lower the floor" in fields["ladder.tiers[2].discounts[0]"]
