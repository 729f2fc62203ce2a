"""Live readers of teams and campaigns: each gets the latest state, never a queue."""

from services.team_formation.watch.hub import Hub
from services.team_formation.watch.watching import Watch

__all__ = ["Hub", "Watch"]
