"""Merchants that are suspended: by a platform itself."""

from google.protobuf.message import Message
from groupbuy.team_formation.v1 import merchants_pb2 as pb

from services.chassis import requests
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation.handlers import PlatformHandler
from services.team_formation.handlers.identity import Command, Done, ResumeMerchant
from services.team_formation.handlers.platforms import Response
from services.team_formation.rpc import fields, identity_fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.translate.identity import suspended_merchant


class MerchantRpcs(Rpcs):
    """Answers about suspended merchants."""

    async def SuspendMerchant(  # noqa: N802
        self, request: pb.SuspendMerchantRequest, _context: Context
    ) -> pb.SuspendMerchantResponse:
        """Suspend a merchant."""
        command = identity_fields.suspension_of(request)

        def response(done: Done) -> pb.SuspendMerchantResponse:
            return pb.SuspendMerchantResponse(merchant=suspended_merchant(done.merchant) if done.merchant else None)

        return pb.SuspendMerchantResponse.FromString(await self._decided("SuspendMerchant", request, command, response))

    async def ResumeMerchant(self, request: pb.ResumeMerchantRequest, _context: Context) -> pb.ResumeMerchantResponse:  # noqa: N802
        """End a merchant's suspension."""
        fields.refuse(identity_fields.check_merchant(request.merchant_id))
        command = ResumeMerchant(request.merchant_id)
        await self._decided("ResumeMerchant", request, command, lambda _: pb.ResumeMerchantResponse())
        return pb.ResumeMerchantResponse()

    async def ListSuspendedMerchants(  # noqa: N802
        self, _request: pb.ListSuspendedMerchantsRequest, _context: Context
    ) -> pb.ListSuspendedMerchantsResponse:
        """List the merchants that are suspended."""
        platform = await PlatformHandler(self._desk.database, self._desk.clock).find(caller())
        return pb.ListSuspendedMerchantsResponse(merchants=map(suspended_merchant, platform.suspended_merchants))

    async def _decided(self, rpc: str, request: Message, command: Command, response: Response) -> bytes:
        key = fields.request_key(rpc, caller(), requests.NO_CAMPAIGN, request)
        answer, _ = await PlatformHandler(self._desk.database, self._desk.clock).asked(key, command, response)
        if isinstance(answer, Rejected):
            raise answer
        return answer
