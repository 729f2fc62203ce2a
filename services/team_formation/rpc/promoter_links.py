"""Promoters' own links: giving them out, taking them back."""

from groupbuy.team_formation.v1 import promoter_links_pb2 as pb

from services.chassis import erased, ids
from services.chassis.database import Connection
from services.chassis.server import caller
from services.team_formation.domain.checks import check_member_id
from services.team_formation.rpc import fields
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.store import promoter_links as shelf


class PromoterLinkRpcs(Rpcs):
    """Answers about promoters' own links. A promoter is whom invites name: it is not registered anywhere."""

    async def GetPromoterLink(  # noqa: N802
        self, request: pb.GetPromoterLinkRequest, _context: Context
    ) -> pb.GetPromoterLinkResponse:
        """Give the link of a promoter's own page; the first call for a promoter makes it."""
        fields.refuse(check_member_id("promoter_id", request.promoter_id))
        now = self._desk.clock.now(caller())
        async with self._desk.database.work() as work:
            await erased.refuse(work.connection, caller(), [request.promoter_id])
            if await shelf.find_link(work.connection, caller(), request.promoter_id) is None:
                await shelf.add_link(work.connection, caller(), request.promoter_id, ids.new_id(), now)
            url = await self._url(work.connection, request.promoter_id)
        return pb.GetPromoterLinkResponse(url=url)

    async def RevokePromoterLink(  # noqa: N802
        self, request: pb.RevokePromoterLinkRequest, _context: Context
    ) -> pb.RevokePromoterLinkResponse:
        """Take the links that were given out back, and give a new one."""
        fields.refuse(check_member_id("promoter_id", request.promoter_id))
        now = self._desk.clock.now(caller())
        async with self._desk.database.work() as work:
            await erased.refuse(work.connection, caller(), [request.promoter_id])
            await shelf.replace_link(work.connection, caller(), request.promoter_id, ids.new_id(), now)
            url = await self._url(work.connection, request.promoter_id)
        return pb.RevokePromoterLinkResponse(url=url)

    async def _url(self, connection: Connection, promoter_id: str) -> str:
        """Write the link that a promoter has now."""
        found = await shelf.find_link(connection, caller(), promoter_id)
        if found is None:
            raise RuntimeError("a link that was just stored is not there")
        link_id, number = found
        return self._desk.promoter_links.url(caller(), link_id, number)
