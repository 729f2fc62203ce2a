"""What those who run the engine ask about platforms: the RPCs of the command line, with the services' own key."""

from typing import Any

import grpc
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as pb

from services.chassis import ids, platforms
from services.chassis.database import Database
from services.chassis.errors import invalid
from services.team_formation import domain, store
from services.team_formation.handlers import PlatformHandler
from services.team_formation.handlers.identity import (
    ResumeMerchant,
    ResumePlatform,
    RevokeKey,
    SetLimits,
    SuspendPlatform,
)
from services.team_formation.neighbours import Neighbours
from services.team_formation.rpc import fields, identity_fields
from services.team_formation.rpc.keys import listed
from services.team_formation.rpc.platform_limits import limits_wanted, platform_of
from services.team_formation.translate.identity import api_key, platform_limits, suspended_merchant

Context = grpc.aio.ServicerContext[Any, Any]
LONGEST_NAME = 100


class OperatorRpcs:
    """Answers about platforms and their keys."""

    def __init__(self, database: Database, handler: PlatformHandler, neighbours: Neighbours) -> None:
        self._database = database
        self._handler = handler
        self._neighbours = neighbours

    async def CreatePlatform(self, request: pb.CreatePlatformRequest, _context: Context) -> pb.CreatePlatformResponse:  # noqa: N802
        """Create a platform and its test twin, each with its first key."""
        if not 1 <= len(request.name) <= LONGEST_NAME or not domain.is_written(request.name):
            raise invalid("name", f"must be 1 to {LONGEST_NAME} characters, without control characters")
        made = await self._handler.create(request.name)
        platform_id = ids.opaque(platforms.ID_PREFIX, made.platform_id)
        return pb.CreatePlatformResponse(platform_id=platform_id, key=made.key, test_key=made.test_key)

    async def ListPlatforms(self, _request: pb.ListPlatformsRequest, _context: Context) -> pb.ListPlatformsResponse:  # noqa: N802
        """List the platforms."""
        async with self._database.read() as connection:
            rows = await store.list_platforms(connection)
        listed_ = [
            pb.Platform(
                platform_id=ids.opaque(platforms.ID_PREFIX, row.platform_id),
                name=row.name,
                key_ids=row.key_ids,
                suspended=row.suspended,
                suspension_reason=row.suspension_reason,
                test_platform_id=ids.opaque(platforms.ID_PREFIX, row.twin_id) if row.twin_id else "",
                test_key_ids=row.twin_key_ids,
            )
            for row in rows
        ]
        return pb.ListPlatformsResponse(platforms=listed_)

    async def SuspendPlatform(  # noqa: N802
        self, request: pb.SuspendPlatformRequest, _context: Context
    ) -> pb.SuspendPlatformResponse:
        """Refuse every call of a platform."""
        fields.refuse(identity_fields.check_reason(request.reason))
        command = SuspendPlatform(request.reason)
        await self._handler.change(platform_of(request.platform_id), "SuspendPlatform", command)
        return pb.SuspendPlatformResponse()

    async def ResumePlatform(self, request: pb.ResumePlatformRequest, _context: Context) -> pb.ResumePlatformResponse:  # noqa: N802
        """Let a platform's calls in again."""
        await self._handler.change(platform_of(request.platform_id), "ResumePlatform", ResumePlatform())
        return pb.ResumePlatformResponse()

    async def CreateKey(self, request: pb.CreateKeyRequest, _context: Context) -> pb.CreateKeyResponse:  # noqa: N802
        """Add a key to a platform."""
        platform_id = platform_of(request.platform_id)
        command = identity_fields.new_key_of(request, self._handler.now(), needs_scopes=False)
        done = await self._handler.change(platform_id, "CreateKey", command, test=request.test)
        return pb.CreateKeyResponse(key=done.text)

    async def ListKeys(  # noqa: N802
        self, request: pb.TeamFormationInternalListKeysRequest, _context: Context
    ) -> pb.TeamFormationInternalListKeysResponse:
        """List a platform's keys."""
        platform = await self._handler.find(platform_of(request.platform_id), test=request.test)
        keys, silent = await listed(self._database, self._neighbours, platform.platform_id, platform.keys)
        return pb.TeamFormationInternalListKeysResponse(keys=keys, silent_services=silent)

    async def RotateKey(  # noqa: N802
        self, request: pb.TeamFormationInternalRotateKeyRequest, _context: Context
    ) -> pb.TeamFormationInternalRotateKeyResponse:
        """Make a key in the place of another one."""
        platform_id = platform_of(request.platform_id)
        command = identity_fields.rotation_of(request, self._handler.now())
        done = await self._handler.change(platform_id, "RotateKey", command, test=request.test)
        replaced = api_key(done.replaced) if done.replaced else None
        return pb.TeamFormationInternalRotateKeyResponse(key=done.text, replaced=replaced)

    async def RevokeKey(  # noqa: N802
        self, request: pb.TeamFormationInternalRevokeKeyRequest, _context: Context
    ) -> pb.TeamFormationInternalRevokeKeyResponse:
        """Take a key back, whichever."""
        command = RevokeKey(request.key_id, even_last=True)
        await self._handler.change(platform_of(request.platform_id), "RevokeKey", command, test=request.test)
        return pb.TeamFormationInternalRevokeKeyResponse()

    async def GetPlatformLimits(  # noqa: N802
        self, request: pb.GetPlatformLimitsRequest, _context: Context
    ) -> pb.GetPlatformLimitsResponse:
        """Tell what is set of a platform's limits."""
        platform = await self._handler.find(platform_of(request.platform_id))
        return pb.GetPlatformLimitsResponse(limits=platform_limits(platform))

    async def SetPlatformLimits(  # noqa: N802
        self, request: pb.SetPlatformLimitsRequest, _context: Context
    ) -> pb.SetPlatformLimitsResponse:
        """Set limits of a platform."""
        command = SetLimits(limits_wanted(request))
        done = await self._handler.change(platform_of(request.platform_id), "SetPlatformLimits", command)
        return pb.SetPlatformLimitsResponse(limits=platform_limits(done.platform))

    async def SuspendMerchant(  # noqa: N802
        self, request: pb.TeamFormationInternalSuspendMerchantRequest, _context: Context
    ) -> pb.TeamFormationInternalSuspendMerchantResponse:
        """Suspend a merchant of a platform."""
        command = identity_fields.suspension_of(request)
        done = await self._handler.change(platform_of(request.platform_id), "SuspendMerchant", command)
        merchant = suspended_merchant(done.merchant) if done.merchant else None
        return pb.TeamFormationInternalSuspendMerchantResponse(merchant=merchant)

    async def ResumeMerchant(  # noqa: N802
        self, request: pb.TeamFormationInternalResumeMerchantRequest, _context: Context
    ) -> pb.TeamFormationInternalResumeMerchantResponse:
        """End a merchant's suspension."""
        command = ResumeMerchant(request.merchant_id)
        await self._handler.change(platform_of(request.platform_id), "ResumeMerchant", command)
        return pb.TeamFormationInternalResumeMerchantResponse()

    async def ListSuspendedMerchants(  # noqa: N802
        self, request: pb.TeamFormationInternalListSuspendedMerchantsRequest, _context: Context
    ) -> pb.TeamFormationInternalListSuspendedMerchantsResponse:
        """List the merchants of a platform that are suspended."""
        platform = await self._handler.find(platform_of(request.platform_id))
        merchants = map(suspended_merchant, platform.suspended_merchants)
        return pb.TeamFormationInternalListSuspendedMerchantsResponse(merchants=merchants)
