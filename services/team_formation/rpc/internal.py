"""The TeamFormationInternal service: for the other services and the operators' command line."""

from typing import Any

import grpc
from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as pb_grpc

from services.chassis import ids, platforms
from services.chassis.database import Database
from services.team_formation import store
from services.team_formation.handlers import PlatformHandler
from services.team_formation.neighbours import Neighbours
from services.team_formation.rpc import fields
from services.team_formation.rpc.member_links import list_member_links
from services.team_formation.rpc.operators import OperatorRpcs
from services.team_formation.signed_links import MemberLinks

Context = grpc.aio.ServicerContext[Any, Any]


class InternalServicer(OperatorRpcs, pb_grpc.TeamFormationInternalServicer):
    """Answers callers that have the services' own key."""

    def __init__(
        self,
        database: Database,
        handler: PlatformHandler,
        links: MemberLinks | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        super().__init__(database, handler, neighbours or Neighbours({}, ""))
        self._links = links

    async def ListTeamEvents(self, request: pb.ListTeamEventsRequest, _context: Context) -> pb.ListTeamEventsResponse:  # noqa: N802
        """List stored events of a team of a platform."""
        campaign_id, team_id = fields.team_of(request.team_id)
        platform = ids.parse(platforms.ID_PREFIX, request.platform_id, 1)
        stored: list[bytes] = []
        async with self._database.read() as connection:
            if platform and await store.find_team(connection, platform[0], campaign_id, team_id):
                stored = await store.list_team_events(
                    connection, request.team_id, request.after_version, request.before_version
                )
        return pb.ListTeamEventsResponse(events=[events_pb2.TeamEvent.FromString(payload) for payload in stored])

    async def ListMemberLinks(  # noqa: N802
        self, request: pb.ListMemberLinksRequest, _context: Context
    ) -> pb.ListMemberLinksResponse:
        """Give the links of members' own pages."""
        return await list_member_links(self._database, self._links, request)
