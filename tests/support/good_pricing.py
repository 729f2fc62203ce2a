"""A good request for every RPC of pricing."""

from google.protobuf.message import Message
from groupbuy.pricing.v1 import (
    deliveries_pb2,
    demand_pb2,
    events_pb2,
    explanations_pb2,
    ladder_pb2,
    pricing_internal_pb2,
    pricing_service_pb2,
    quotes_pb2,
    settlements_pb2,
    simulation_pb2,
)

from services.team_formation.translate import time
from tests.support.formation import START
from tests.support.shops import Shop, Standing, a_ladder, money

_END = START.replace(year=START.year + 1)


def quoting(campaign: str, shop: Shop) -> quotes_pb2.GetQuoteRequest:
    """Make a request for a quote."""
    request = quotes_pb2.GetQuoteRequest(
        campaign_id=campaign,
        member_id=shop.own("mei"),
        sku="mango",
        quantity=1,
        coupon=quotes_pb2.Coupon(basis_points_off=500, code="SPRING"),
    )
    request.lifetime.FromSeconds(600)
    return request


def requests_of_pricing(there: Standing) -> list[Message]:
    """Give a good request for every RPC of pricing, in no order."""
    return [*_of_prices(there), *_of_settlements(there), *_inner(there)]


def _of_prices(there: Standing) -> list[Message]:
    pr = pricing_service_pb2
    team, campaign = there.team, there.campaign
    quote = quoting(campaign, there.shop)
    quote.team_id = team
    return [
        pr.GetPriceRequest(team_id=team),
        pr.ExplainPriceRequest(seat_id=there.seat),
        pr.GetSettlementRequest(team_id=team, page_size=1),
        explanations_pb2.ListPriceChangesRequest(team_id=team, page_size=1),
        pr.GetTallyRequest(campaign_id=campaign, seq=1),
        demand_pb2.GetDemandRequest(campaign_id=campaign, missing_units=3),
        demand_pb2.WatchDemandRequest(campaign_id=campaign, missing_units=3),
        quote,
        quotes_pb2.ListQuoteKeysRequest(),
        simulation_pb2.SimulateLadderRequest(
            currency="EUR",
            list_prices=[ladder_pb2.ListPrice(sku="mango", unit_price=3990)],
            ladder=a_ladder(),
            unit_costs=[simulation_pb2.UnitCost(sku="mango", unit_cost=1000)],
            max_fill=20,
            units_per_seat=1,
            minimum=2,
        ),
    ]


def _of_settlements(there: Standing) -> list[Message]:
    merchant = there.shop.own("merchant-7")
    line = settlements_pb2.LineReport(
        line_id="6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        kind=events_pb2.REPORT_KIND_REFUNDED,
        amount=money(500),
        reference="re-1",
    )
    return [
        deliveries_pb2.ReportDeliveryRequest(
            seat_id=there.seat,
            outcome=deliveries_pb2.DELIVERY_OUTCOME_ACCEPTED_IN_PART,
            reason=deliveries_pb2.REFUSAL_REASON_DAMAGED,
            accepted_units=1,
        ),
        settlements_pb2.ReportSettlementRequest(reports=[line]),
        settlements_pb2.ListSettlementsRequest(
            campaign_id=there.campaign,
            merchant_id=merchant,
            state=events_pb2.LINE_STATE_OPEN,
            updated_since=time(START),
            page_size=1,
        ),
        settlements_pb2.StreamSettlementsRequest(cursor="abc"),
        settlements_pb2.ListBeneficiaryLinesRequest(
            merchant_id=merchant, beneficiary_id=there.shop.own("nora"), campaign_id=there.campaign, page_size=1
        ),
        settlements_pb2.GetMerchantRecordRequest(merchant_id=merchant, since=time(START), until=time(_END)),
    ]


def _inner(there: Standing) -> list[Message]:
    internal = pricing_internal_pb2
    return [
        internal.CompileLadderRequest(
            platform_id=there.platform,
            currency="EUR",
            list_prices=[ladder_pb2.ListPrice(sku="mango", unit_price=3990)],
            ladder=a_ladder(),
            ladder_version=1,
        ),
        internal.PricingInternalListQuoteKeysRequest(),
        internal.SumCommissionsRequest(
            platform_id=there.platform, promoter_id=there.shop.own("nora"), campaign_ids=[there.campaign]
        ),
    ]
