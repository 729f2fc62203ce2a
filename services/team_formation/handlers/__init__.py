"""What team_formation does with commands: load, decide, save, tell."""

from services.team_formation.handlers.asks import Answer, Ask, Command, Look, Revoke, weight
from services.team_formation.handlers.campaigns import CampaignHandler
from services.team_formation.handlers.commands import TeamHandler
from services.team_formation.handlers.due import DueFinder, Sweeper
from services.team_formation.handlers.erasing import MemberEraser
from services.team_formation.handlers.exporting import MemberExport
from services.team_formation.handlers.measures import Measures
from services.team_formation.handlers.merchants import MerchantSweeper
from services.team_formation.handlers.platforms import PlatformHandler
from services.team_formation.handlers.settlements import TOPIC as SETTLEMENT_TOPIC
from services.team_formation.handlers.settlements import SettlementHandler
from services.team_formation.handlers.tallies import TALLIES, TallyHandler

__all__ = [
    "SETTLEMENT_TOPIC",
    "TALLIES",
    "Answer",
    "Ask",
    "CampaignHandler",
    "Command",
    "DueFinder",
    "Look",
    "Measures",
    "MemberEraser",
    "MemberExport",
    "MerchantSweeper",
    "PlatformHandler",
    "Revoke",
    "SettlementHandler",
    "Sweeper",
    "TallyHandler",
    "TeamHandler",
    "weight",
]
