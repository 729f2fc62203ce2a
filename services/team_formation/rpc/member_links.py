"""Members' own links: giving them out, to notification for messages too, and taking them back."""

from collections.abc import Iterable
from uuid import UUID

from groupbuy.team_formation.v1 import member_links_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb

from services.chassis import ids, platforms
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.server import caller
from services.team_formation import store, translate
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.signed_links import MemberLinks
from services.team_formation.store import member_links as shelf

MOST = 2_000
"""Seats in one request of ListMemberLinks."""


class MemberLinkRpcs(Rpcs):
    """Answers about members' own links."""

    async def GetMemberLink(self, request: pb.GetMemberLinkRequest, _context: Context) -> pb.GetMemberLinkResponse:  # noqa: N802
        """Give the link of a member's own page."""
        campaign_id, seat_id, _ = await self._seat(request.seat_id)
        async with self._desk.database.read() as connection:
            number = await shelf.find_number(connection, campaign_id, seat_id)
        return pb.GetMemberLinkResponse(url=self._desk.links.url(campaign_id, seat_id, number))

    async def RevokeMemberLink(  # noqa: N802
        self, request: pb.RevokeMemberLinkRequest, _context: Context
    ) -> pb.RevokeMemberLinkResponse:
        """Take the links that were given out back, with what was done by them about chats, and give a new one."""
        campaign_id, seat_id, member_id = await self._seat(request.seat_id)
        now = self._desk.clock.now(caller())
        async with self._desk.database.work() as work:
            await shelf.raise_number(work.connection, caller(), campaign_id, seat_id, now)
            number = await shelf.find_number(work.connection, campaign_id, seat_id)
        if self._desk.hearing:  # after the number: no code is made by an old link any more
            await self._desk.hearing.end_chats(caller(), member_id, request.seat_id)
        return pb.RevokeMemberLinkResponse(url=self._desk.links.url(campaign_id, seat_id, number))

    async def _seat(self, text: str) -> tuple[UUID, UUID, str]:
        """Find a member's seat of the caller; Rejected SEAT_UNKNOWN, SPONSORED_SEAT."""
        campaign_id, seat_id = fields.seat_of(text)
        async with self._desk.database.read() as connection:
            seat = await store.find_seat(connection, caller(), campaign_id, seat_id)
        if seat is None:
            raise Rejected("SEAT_UNKNOWN")
        if seat.sponsored:
            raise Rejected("SPONSORED_SEAT")
        return campaign_id, seat_id, seat.member_id


async def list_member_links(
    database: Database, links: MemberLinks | None, request: internal_pb.ListMemberLinksRequest
) -> internal_pb.ListMemberLinksResponse:
    """Give the links of many seats; without `links`, where no address of pages is set, none has one."""
    if len(request.seats) > MOST:
        raise invalid("seats", f"must be at most {MOST}")
    asked = [_asked(seat) for seat in request.seats]
    numbers = await _numbers(database, filter(None, asked)) if links else {}
    urls = (links.url(*seat[1:], numbers[seat]) if links and seat in numbers else "" for seat in asked)
    return internal_pb.ListMemberLinksResponse(urls=urls)


_Seat = tuple[UUID, UUID, UUID]
"""Platform, campaign, seat."""


def _asked(seat: internal_pb.SeatOfPlatform) -> _Seat | None:
    platform, found = ids.parse(platforms.ID_PREFIX, seat.platform_id, 1), ids.parse(translate.SEAT, seat.seat_id, 2)
    return (platform[0], found[0], found[1]) if platform and found else None


async def _numbers(database: Database, asked: Iterable[_Seat]) -> dict[_Seat, int]:
    """Find the good numbers of those seats that are seats of members of their platform."""
    campaigns: dict[tuple[UUID, UUID], set[UUID]] = {}
    for platform_id, campaign_id, seat_id in asked:
        campaigns.setdefault((platform_id, campaign_id), set()).add(seat_id)
    if not campaigns:
        return {}
    async with database.work(by_key=True) as work:
        found = await shelf.list_numbers(work.connection, [(*key, sorted(seats)) for key, seats in campaigns.items()])
        rows = await found.all()
    return {
        (*key, seat_id): number for key, numbers in zip(campaigns, rows, strict=True) for seat_id, number in numbers
    }
