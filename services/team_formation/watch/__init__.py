"""Live readers of teams and campaigns: each gets the latest state, never a queue."""

from services.team_formation.watch.campaigns import CampaignCounts, Counted
from services.team_formation.watch.hub import Hub
from services.team_formation.watch.teams import find_priced, price_turn
from services.team_formation.watch.topic import State
from services.team_formation.watch.watching import Watch, message_watch

__all__ = ["CampaignCounts", "Counted", "Hub", "State", "Watch", "find_priced", "message_watch", "price_turn"]
