"""Watching: a team's latest state, and a campaign's sums, as they change."""

from collections.abc import AsyncIterator
from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.server import caller
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs


class WatchRpcs(Rpcs):
    """Sends streams; a response is bytes, written once for all who watch the same thing."""

    def WatchTeam(self, request: pb.WatchTeamRequest, _context: Context) -> AsyncIterator[Any]:  # noqa: N802
        """Send a team's latest state until it has ended."""
        fields.team_of(request.team_id)
        return self._desk.watch.teams.follow(caller(), request.team_id, request.after_version)

    def WatchCampaign(self, request: pb.WatchCampaignRequest, _context: Context) -> AsyncIterator[Any]:  # noqa: N802
        """Send a campaign's sums until it is over and all its teams have ended."""
        campaign_id = fields.campaign_of(request.campaign_id)
        return self._desk.watch.campaigns.follow(caller(), campaign_id, request.after_revision)
