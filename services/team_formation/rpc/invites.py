"""Invites: making them, taking them back, and what a code leads to."""

from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis import ids
from services.team_formation.handlers import Revoke
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs


class InviteRpcs(Rpcs):
    """Answers about invites."""

    async def CreateInvite(self, request: pb.CreateInviteRequest, _context: Context) -> Any:  # noqa: N802
        """Make an invite."""
        campaign_id, team_id = fields.team_of(request.team_id)
        command = fields.invite_wanted(request, ids.new_id())
        return await self._ask("CreateInvite", request, campaign_id, command, team_id=team_id)

    async def RevokeInvite(self, request: pb.RevokeInviteRequest, _context: Context) -> Any:  # noqa: N802
        """Take an invite back."""
        campaign_id, invite_id = fields.invite_of(request.invite_id)
        fields.refuse(fields.check_language(request.language))
        return await self._ask("RevokeInvite", request, campaign_id, Revoke(invite_id, request.language))

    async def ResolveInvite(  # noqa: N802
        self, request: pb.ResolveInviteRequest, _context: Context
    ) -> pb.ResolveInviteResponse:
        """Read what an invite code leads to."""
        fields.refuse(fields.check_language(request.language))
        return await self._resolved(await self._invite(request.code), request.language)
