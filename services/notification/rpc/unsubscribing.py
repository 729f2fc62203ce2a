"""Unsubscribe and ReadReply: a member follows a link, or writes a stop word, and the platform says so."""

from groupbuy.notification.v1 import notification_service_pb2 as pb2
from groupbuy.notification.v1 import replies_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.chassis.server import caller
from services.notification import store
from services.notification.domain import LONGEST_REPLY, group_of_member, meaning_of, member_id_problem
from services.notification.handlers.groups import stop_group
from services.notification.handlers.messages import answer_of
from services.notification.handlers.replies import ReadReply, Replies
from services.notification.unsubscribing import Unsubscribing


class UnsubscribeCalls:
    """Answers what concerns links and words by which members unsubscribe."""

    def __init__(self, database: Database, clock: Clock, unsubscribing: Unsubscribing) -> None:
        self._database = database
        self._clock = clock
        self._unsubscribing = unsubscribing
        self._replies = Replies(database, clock)

    async def unsubscribe(self, request: pb2.UnsubscribeRequest) -> pb2.UnsubscribeResponse:
        """End what the link is for. Another platform's link is no link of the caller's."""
        what = self._unsubscribing.read(request.token)
        if what is None or what.platform_id != caller():
            raise Rejected("UNSUBSCRIBE_TOKEN_INVALID")
        if group_id := group_of_member(what.member_id):
            async with self._database.work() as work:
                await stop_group(work, what.platform_id, group_id, self._clock.now(what.platform_id))
            return pb2.UnsubscribeResponse(member_id=what.member_id, is_group=True)
        async with self._database.work() as work:
            member, all_kinds = (what.platform_id, what.member_id), not what.promotions_only
            known = await store.unsubscribe(
                work.connection, member, self._clock.now(what.platform_id), all_kinds=all_kinds
            )
        if not known:
            raise Rejected("MEMBER_UNKNOWN")
        return pb2.UnsubscribeResponse(member_id=what.member_id, promotions_only=what.promotions_only)

    async def read_reply(self, request: replies_pb2.ReadReplyRequest) -> replies_pb2.ReadReplyResponse:
        """Do what a reply means."""
        requests.check_request_id(request.request_id)
        group = None
        match request.WhichOneof("from"):
            case "member_id" if member_id_problem(request.member_id):
                raise Rejected("MEMBER_UNKNOWN")
            case "group_id":
                group = ids.parse("group", request.group_id, 1)
                if group is None:
                    raise Rejected("GROUP_UNKNOWN")
            case None:
                raise invalid("member_id", "must be set, or group_id: who has written")
        if len(request.text) > LONGEST_REPLY:
            raise invalid("text", f"must be at most {LONGEST_REPLY} characters")
        key = RequestKey(NO_CAMPAIGN, caller(), "ReadReply", request.request_id, requests.body_hash(request))
        command = ReadReply(key, request.member_id, group[0] if group else None, meaning_of(request.text))
        return replies_pb2.ReadReplyResponse.FromString(answer_of(await self._replies.decide(command)))
