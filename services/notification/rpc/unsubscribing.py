"""Unsubscribe: a member follows the link of a message, and the platform hands its token on."""

from groupbuy.notification.v1 import notification_service_pb2 as pb2

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.server import caller
from services.notification import store
from services.notification.domain import group_of_member
from services.notification.handlers.groups import stop_group
from services.notification.unsubscribing import Unsubscribing


class UnsubscribeCalls:
    """Answers what concerns links by which members unsubscribe."""

    def __init__(self, database: Database, clock: Clock, unsubscribing: Unsubscribing) -> None:
        self._database = database
        self._clock = clock
        self._unsubscribing = unsubscribing

    async def unsubscribe(self, request: pb2.UnsubscribeRequest) -> pb2.UnsubscribeResponse:
        """End what the link is for. Another platform's link is no link of the caller's."""
        what = self._unsubscribing.read(request.token)
        if what is None or what.platform_id != caller():
            raise Rejected("UNSUBSCRIBE_TOKEN_INVALID")
        if group_id := group_of_member(what.member_id):
            async with self._database.work() as work:
                await stop_group(work, what.platform_id, group_id, self._clock.now())
            return pb2.UnsubscribeResponse(member_id=what.member_id, is_group=True)
        async with self._database.work() as work:
            member, all_kinds = (what.platform_id, what.member_id), not what.promotions_only
            known = await store.unsubscribe(work.connection, member, self._clock.now(), all_kinds=all_kinds)
        if not known:
            raise Rejected("MEMBER_UNKNOWN")
        return pb2.UnsubscribeResponse(member_id=what.member_id, promotions_only=what.promotions_only)
