"""What platforms ask for their members' privacy."""

from groupbuy.team_formation.v1 import privacy_pb2 as pb

from services.chassis import requests
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation import domain
from services.team_formation.handlers import MemberEraser
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs


class PrivacyRpcs(Rpcs):
    """Answers about members' privacy."""

    async def EraseMember(self, request: pb.EraseMemberRequest, _context: Context) -> pb.EraseMemberResponse:  # noqa: N802
        """Forget a member."""
        requests.check_request_id(request.request_id)
        fields.refuse(domain.check_member_id("member_id", request.member_id))
        answer = await MemberEraser(self._desk.database, self._desk.clock).erase(caller(), request)
        if isinstance(answer, Rejected):
            raise answer
        return pb.EraseMemberResponse.FromString(answer)
