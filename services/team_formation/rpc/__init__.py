"""The gRPC services of team_formation."""

from services.team_formation.rpc.base import Desk
from services.team_formation.rpc.internal import InternalServicer
from services.team_formation.rpc.public import TeamFormationServicer

__all__ = ["Desk", "InternalServicer", "TeamFormationServicer"]
