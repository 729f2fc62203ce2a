"""The TeamFormationInternal service: for the other services and the operators' command line."""

from typing import Any

import grpc
from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2_grpc as pb_grpc

from services.chassis import ids, platforms
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.team_formation import domain, store
from services.team_formation.handlers import PlatformHandler
from services.team_formation.rpc import fields
from services.team_formation.rpc.member_links import list_member_links
from services.team_formation.rpc.platform_limits import limits_wanted, platform_of
from services.team_formation.signed_links import MemberLinks

Context = grpc.aio.ServicerContext[Any, Any]
LONGEST_NAME = 100


class InternalServicer(pb_grpc.TeamFormationInternalServicer):
    """Answers callers that have the services' own key."""

    def __init__(self, database: Database, handler: PlatformHandler, links: MemberLinks | None = None) -> None:
        self._database = database
        self._handler = handler
        self._links = links

    async def CreatePlatform(self, request: pb.CreatePlatformRequest, _context: Context) -> pb.CreatePlatformResponse:  # noqa: N802
        """Create a platform with its first key."""
        if not 1 <= len(request.name) <= LONGEST_NAME or not domain.is_written(request.name):
            raise invalid("name", f"must be 1 to {LONGEST_NAME} characters, without control characters")
        platform_id, key = await self._handler.create(request.name)
        return pb.CreatePlatformResponse(platform_id=ids.opaque(platforms.ID_PREFIX, platform_id), key=key)

    async def CreateKey(self, request: pb.CreateKeyRequest, _context: Context) -> pb.CreateKeyResponse:  # noqa: N802
        """Add a key to a platform."""
        found = ids.parse(platforms.ID_PREFIX, request.platform_id, 1)
        if found is None:
            raise Rejected("PLATFORM_UNKNOWN")
        return pb.CreateKeyResponse(key=await self._handler.add_key(found[0]))

    async def GetPlatformLimits(  # noqa: N802
        self, request: pb.GetPlatformLimitsRequest, _context: Context
    ) -> pb.GetPlatformLimitsResponse:
        """Tell what is set of a platform's limits."""
        found = await self._handler.limits(platform_of(request.platform_id))
        return pb.GetPlatformLimitsResponse(limits=events_pb2.PlatformLimits(**found))

    async def SetPlatformLimits(  # noqa: N802
        self, request: pb.SetPlatformLimitsRequest, _context: Context
    ) -> pb.SetPlatformLimitsResponse:
        """Set limits of a platform."""
        wanted = limits_wanted(request)
        found = await self._handler.set_limits(platform_of(request.platform_id), wanted)
        return pb.SetPlatformLimitsResponse(limits=events_pb2.PlatformLimits(**found))

    async def ListPlatforms(self, _request: pb.ListPlatformsRequest, _context: Context) -> pb.ListPlatformsResponse:  # noqa: N802
        """List the platforms."""
        async with self._database.read() as connection:
            rows = await store.list_platforms(connection)
        listed = [
            pb.Platform(platform_id=ids.opaque(platforms.ID_PREFIX, platform_id), name=name, key_ids=keys)
            for platform_id, name, keys in rows
        ]
        return pb.ListPlatformsResponse(platforms=listed)

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
