"""Members' own links: giving them out, taking them back."""

from uuid import UUID

from groupbuy.team_formation.v1 import member_links_pb2 as pb

from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.team_formation import store
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.store import member_links as shelf


class MemberLinkRpcs(Rpcs):
    """Answers about members' own links."""

    async def GetMemberLink(self, request: pb.GetMemberLinkRequest, _context: Context) -> pb.GetMemberLinkResponse:  # noqa: N802
        """Give the link of a member's own page."""
        campaign_id, seat_id = await self._seat(request.seat_id)
        async with self._desk.database.read() as connection:
            number = await shelf.find_number(connection, campaign_id, seat_id)
        return pb.GetMemberLinkResponse(url=self._desk.links.url(campaign_id, seat_id, number))

    async def RevokeMemberLink(  # noqa: N802
        self, request: pb.RevokeMemberLinkRequest, _context: Context
    ) -> pb.RevokeMemberLinkResponse:
        """Take the links that were given out back, and give a new one."""
        campaign_id, seat_id = await self._seat(request.seat_id)
        now = self._desk.clock.now(caller())
        async with self._desk.database.work() as work:
            await shelf.raise_number(work.connection, caller(), campaign_id, seat_id, now)
            number = await shelf.find_number(work.connection, campaign_id, seat_id)
        return pb.RevokeMemberLinkResponse(url=self._desk.links.url(campaign_id, seat_id, number))

    async def _seat(self, text: str) -> tuple[UUID, UUID]:
        """Find a member's seat of the caller; Rejected SEAT_UNKNOWN, SPONSORED_SEAT."""
        campaign_id, seat_id = fields.seat_of(text)
        async with self._desk.database.read() as connection:
            seat = await store.find_seat(connection, caller(), campaign_id, seat_id)
        if seat is None:
            raise Rejected("SEAT_UNKNOWN")
        if seat.sponsored:
            raise Rejected("SPONSORED_SEAT")
        return campaign_id, seat_id
