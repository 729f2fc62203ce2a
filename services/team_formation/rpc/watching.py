"""Watching: a team's latest state, again and again until it has ended."""

from collections.abc import AsyncIterator

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.team_formation import translate
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs


class WatchRpcs(Rpcs):
    """Answers who watches."""

    async def WatchTeam(  # noqa: N802
        self, request: pb.WatchTeamRequest, _context: Context
    ) -> AsyncIterator[pb.WatchTeamResponse]:
        """Send a team's latest state until it has ended."""
        team, terms = await self._team(*fields.team_of(request.team_id))
        async for current in self._desk.watch.follow(team, request.after_version):
            yield pb.WatchTeamResponse(team=translate.team(current, terms))
