"""What a hand-over token says that an invite page sent a buyer to the checkout with."""

from groupbuy.team_formation.v1 import handover_pb2 as pb

from services.chassis.server import caller
from services.team_formation import translate
from services.team_formation.domain import Refusal
from services.team_formation.handover import Verified
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs


class HandoverRpcs(Rpcs):
    """Answers what was handed over; asks no database."""

    async def VerifyHandover(self, request: pb.VerifyHandoverRequest, _context: Context) -> pb.VerifyHandoverResponse:  # noqa: N802
        """Check a token for the caller, at its time."""
        found = self._desk.handovers.read(request.token, caller(), self._desk.clock.now(caller()))
        if isinstance(found, Refusal):
            raise fields.rejected(found)
        return pb.VerifyHandoverResponse(handover=_handover(found))


def _handover(found: Verified) -> pb.Handover:
    said = found.handover
    return pb.Handover(
        token_id=found.token_id,
        campaign_id=said.campaign_id,
        team_id=said.team_id,
        invite_code=said.invite_code,
        sku=said.sku,
        return_url=said.return_url,
        issued_at=translate.time(found.issued_at),
        expires_at=translate.time(found.expires_at),
    )
