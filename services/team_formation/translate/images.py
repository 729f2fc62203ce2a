"""How campaigns' pictures stand, for platforms."""

from groupbuy.team_formation.v1 import types_pb2

from services.team_formation.store.images import ImageStanding
from services.team_formation.translate.basics import time


def image(standing: ImageStanding) -> types_pb2.CampaignImage:
    """Write how a picture stands."""
    state = types_pb2.IMAGE_STATE_WAITING if standing.due_at else types_pb2.IMAGE_STATE_FAILED
    return types_pb2.CampaignImage(
        state=types_pb2.IMAGE_STATE_SHOWN if standing.is_shown else state,
        problem=standing.problem,
        fetched_at=time(standing.fetched_at),
        next_attempt_at=time(standing.due_at),
    )
