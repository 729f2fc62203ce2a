"""Seats: confirming, extending, leaving, defaulting, reading."""

from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.team_formation import domain, store
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs


class SeatRpcs(Rpcs):
    """Answers about seats. What the one path decided comes back in bytes, as it is stored."""

    async def ConfirmSeat(self, request: pb.ConfirmSeatRequest, _context: Context) -> Any:  # noqa: N802
        """Confirm a seat."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        command = fields.confirm_of(request)
        return await self._ask("ConfirmSeat", request, campaign_id, command, seat_id=seat_id)

    async def LeaveTeam(self, request: pb.LeaveTeamRequest, _context: Context) -> Any:  # noqa: N802
        """Give a seat or a part of it back."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        if request.quantity < 0:
            raise invalid("quantity", "must be at least 1; 0 means all units")
        return await self._ask("LeaveTeam", request, campaign_id, domain.Leave(request.quantity), seat_id=seat_id)

    async def ExtendHold(self, request: pb.ExtendHoldRequest, _context: Context) -> Any:  # noqa: N802
        """Extend a hold."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        return await self._ask("ExtendHold", request, campaign_id, domain.Extend(), seat_id=seat_id)

    async def DefaultSeat(self, request: pb.DefaultSeatRequest, _context: Context) -> Any:  # noqa: N802
        """Take a seat whose money did not come."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        fields.refuse(fields.check_words("reason", request.reason, fields.LONGEST_REASON))
        return await self._ask("DefaultSeat", request, campaign_id, domain.Default(request.reason), seat_id=seat_id)

    async def GetSeat(self, request: pb.GetSeatRequest, _context: Context) -> pb.GetSeatResponse:  # noqa: N802
        """Read a seat."""
        campaign_id, seat_id = fields.seat_of(request.seat_id)
        async with self._desk.database.read() as connection:
            seat = await store.find_seat(connection, caller(), campaign_id, seat_id)
        if seat is None:
            raise Rejected("SEAT_UNKNOWN")
        campaign = await self._campaign(campaign_id)
        return pb.GetSeatResponse(seat=self._seat_shown(seat, campaign.currency))
