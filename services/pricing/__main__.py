"""Starts pricing: the only place that wires its parts together."""

import sys
from operator import attrgetter

from groupbuy.pricing.v1 import (
    pricing_internal_pb2,
    pricing_internal_pb2_grpc,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
)

from services.chassis import erased, erasing, exporting, platforms
from services.chassis.coalesce import Coalescer
from services.chassis.measures import EVERY_SECONDS
from services.chassis.process import Plan, Process, timer
from services.chassis.runner import Part, main, run_parts
from services.chassis.server import Servicer
from services.chassis.settings import load
from services.chassis.standing import Pace
from services.pricing import rpc, translate
from services.pricing.handlers import (
    BATCH,
    PAYMENTS,
    CampaignHandler,
    DeliveryWriter,
    Measures,
    PaymentFinder,
    QuoteWriter,
    ReportWriter,
    SettlementFinder,
    SettlementStream,
    Tables,
    TallyFinder,
    TeamHandler,
    member_eraser,
    on_demand_events,
)
from services.pricing.replay import replay
from services.pricing.settings import Settings
from services.pricing.store import pace
from services.pricing.store.exporting import SECTIONS
from services.pricing.team_events import TeamEvents

SETTLE_SECONDS = 0.5
TALLY_SECONDS = 0.25
"""How long at least lies between two tallies of a campaign."""


async def process() -> None:
    """Run pricing until it is told to stop; the arguments name the roles, none means all; or replay; or demand."""
    settings = load(Settings)
    if sys.argv[1:2] == ["replay"]:
        return await replay(settings, accept_differences="--accept-differences" in sys.argv[2:])
    if sys.argv[1:] == ["demand"]:
        # imported here: no other process of pricing needs the stream processor
        from services.pricing.demand.run import Demand  # noqa: PLC0415

        return await run_parts(Demand(settings).parts())
    process = Process("pricing", settings)
    tables = Tables()
    demand = rpc.DemandReader(process.database, process.clock)
    team_events = TeamEvents(settings.team_formation, settings.service_key.get_secret_value(), process.channels)
    reports = Coalescer(
        "reports",
        ReportWriter(process.database, process.clock).decide,
        limit=BATCH,
        party=attrgetter("key.platform_id"),
    )
    stream = SettlementStream(process.database)
    ring = settings.quote_ring
    quotes = QuoteWriter(process.database, process.clock, tables, ring)
    deliveries = DeliveryWriter(process.database, process.clock, tables)
    settlements = SettlementFinder(process.database, tables)
    payments = PaymentFinder(process.database, process.clock)
    eraser = member_eraser(process.database, process.clock)
    plan = Plan(
        servicers=[
            Servicer(
                pricing_service_pb2.DESCRIPTOR.services_by_name["Pricing"].full_name,
                rpc.Pricing(process.database, tables, reports, stream, demand, deliveries, quotes),
                pricing_service_pb2_grpc.add_PricingServicer_to_server,
            ),
            Servicer(
                pricing_internal_pb2.DESCRIPTOR.services_by_name["PricingInternal"].full_name,
                rpc.PricingInternal(process.database, ring),
                pricing_internal_pb2_grpc.add_PricingInternalServicer_to_server,
            ),
            exporting.servicer(exporting.Held(process.database, "pricing", SECTIONS)),
        ],
        writers=[
            Part("team events", start=team_events.start, stop=team_events.stop),
            Part("reports", run=reports.run),
        ],
        handlers={
            platforms.TOPIC: platforms.on_platform_events,
            erased.TOPIC: erasing.on_member_events,
            translate.CAMPAIGN_TOPIC: CampaignHandler(tables).on_campaign_events,
            translate.TEAM_TOPIC: TeamHandler(tables).on_team_events,
            translate.DEMAND_TOPIC: on_demand_events,
        },
        pace=Pace(pace.find_next_due, pace.sum_told),
        fills={translate.TEAM_TOPIC: team_events.fill},
        streams=[
            Part("demand readers", stop=demand.stop),
            Part("settlement streams", stop=stream.stop),
        ],
        timers=[
            timer("settlements", settlements.run_once, every=SETTLE_SECONDS, page=1),
            timer("tallies", TallyFinder(process.database, tables).run_once, every=TALLY_SECONDS),
            timer("measures", Measures(process.database).run_once, every=EVERY_SECONDS),
            timer("erased members", eraser.run_once, every=1.0, page=erasing.PAGE),
            timer("payments", payments.run_once, every=SETTLE_SECONDS, page=PAYMENTS, clock=process.clock),
        ],
    )
    return await run_parts(process.parts(plan, sys.argv[1:]))


if __name__ == "__main__":
    main(process)
