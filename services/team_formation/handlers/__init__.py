"""What team_formation does with commands: load, decide, save, tell."""

from services.team_formation.handlers.campaigns import CampaignHandler
from services.team_formation.handlers.commands import Ask, Expire, Revoke, TeamHandler
from services.team_formation.handlers.due import DueFinder
from services.team_formation.handlers.platforms import PlatformHandler

__all__ = ["Ask", "CampaignHandler", "DueFinder", "Expire", "PlatformHandler", "Revoke", "TeamHandler"]
