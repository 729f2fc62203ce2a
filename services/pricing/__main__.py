"""Starts pricing: the only place that wires its parts together."""

import sys

from groupbuy.pricing.v1 import (
    pricing_internal_pb2,
    pricing_internal_pb2_grpc,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
)

from services.chassis import platforms
from services.chassis.process import Plan, Process, timer
from services.chassis.runner import Part, main, run_parts
from services.chassis.server import Servicer
from services.chassis.settings import load
from services.pricing import rpc, translate
from services.pricing.handlers import CampaignHandler, SettlementFinder, Tables, TeamHandler
from services.pricing.settings import Settings
from services.pricing.team_events import TeamEvents

SETTLE_SECONDS = 0.5


async def process() -> None:
    """Run pricing until it is told to stop; the arguments name the roles, none means all."""
    settings = load(Settings)
    process = Process("pricing", settings)
    tables = Tables()
    team_events = TeamEvents(settings.team_formation, settings.service_key.get_secret_value())
    settlements = SettlementFinder(process.database, tables)
    plan = Plan(
        servicers=[
            Servicer(
                pricing_service_pb2.DESCRIPTOR.services_by_name["Pricing"].full_name,
                rpc.Pricing(process.database, tables),
                pricing_service_pb2_grpc.add_PricingServicer_to_server,
            ),
            Servicer(
                pricing_internal_pb2.DESCRIPTOR.services_by_name["PricingInternal"].full_name,
                rpc.PricingInternal(),
                pricing_internal_pb2_grpc.add_PricingInternalServicer_to_server,
            ),
        ],
        writers=[Part("team events", start=team_events.start, stop=team_events.stop)],
        handlers={
            platforms.TOPIC: platforms.on_platform_events,
            translate.CAMPAIGN_TOPIC: CampaignHandler(tables).on_campaign_events,
            translate.TEAM_TOPIC: TeamHandler(tables).on_team_events,
        },
        fills={translate.TEAM_TOPIC: team_events.fill},
        timers=[timer("settlements", settlements.run_once, every=SETTLE_SECONDS, page=1)],
    )
    await run_parts(process.parts(plan, sys.argv[1:]))


if __name__ == "__main__":
    main(process)
