"""What pricing does with events and with work that is due: load, decide, save, tell."""

from services.pricing.handlers.campaigns import CampaignHandler
from services.pricing.handlers.settle import CHUNK, SettlementFinder
from services.pricing.handlers.tables import Tables
from services.pricing.handlers.teams import TeamHandler

__all__ = ["CHUNK", "CampaignHandler", "SettlementFinder", "Tables", "TeamHandler"]
