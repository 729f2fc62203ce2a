"""What pricing does with events and with work that is due: load, decide, save, tell."""

from services.pricing.handlers.awaited import PAYMENTS, PaymentFinder
from services.pricing.handlers.campaigns import CampaignHandler
from services.pricing.handlers.deliveries import DeliveryWriter, ReportDelivery
from services.pricing.handlers.demand import on_demand_events
from services.pricing.handlers.erasing import member_eraser
from services.pricing.handlers.measures import Measures
from services.pricing.handlers.quotes import GetQuote, QuoteWriter
from services.pricing.handlers.reporting import BATCH, ReportLines, ReportWriter
from services.pricing.handlers.settle import CHUNK, SettlementFinder
from services.pricing.handlers.stream import Place, SettlementStream
from services.pricing.handlers.tables import Tables
from services.pricing.handlers.tally import TallyFinder
from services.pricing.handlers.teams import TeamHandler

__all__ = [
    "BATCH",
    "CHUNK",
    "PAYMENTS",
    "CampaignHandler",
    "DeliveryWriter",
    "GetQuote",
    "Measures",
    "PaymentFinder",
    "Place",
    "QuoteWriter",
    "ReportDelivery",
    "ReportLines",
    "ReportWriter",
    "SettlementFinder",
    "SettlementStream",
    "Tables",
    "TallyFinder",
    "TeamHandler",
    "member_eraser",
    "on_demand_events",
]
