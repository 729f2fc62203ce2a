"""GetMessageSwitch and SetMessageSwitch: the switch on a member's own page, of what the member may do without."""

from uuid import UUID

from groupbuy.notification.v1 import notification_internal_pb2 as pb

from services.chassis import ids, platforms
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.notification import store
from services.notification.domain import member_id_problem


class SwitchCalls:
    """Answers what concerns the switch; nothing of how a member is reached is in an answer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, request: pb.GetMessageSwitchRequest) -> pb.GetMessageSwitchResponse:
        """Say whether messages are on; PLATFORM_UNKNOWN, MEMBER_UNKNOWN."""
        member = _member(request)
        async with self._database.read() as connection:
            muted = await store.find_muted(connection, member)
        if muted is None:
            raise Rejected("MEMBER_UNKNOWN")
        return pb.GetMessageSwitchResponse(on=not muted)

    async def set(self, request: pb.SetMessageSwitchRequest) -> pb.SetMessageSwitchResponse:
        """Do what a start word or a stop word does; PLATFORM_UNKNOWN, MEMBER_UNKNOWN."""
        member = _member(request)
        async with self._database.work() as work:
            if request.on:
                known = await store.unmute(work.connection, member)
            else:
                known = await store.unsubscribe(work.connection, member, self._clock.now(member[0]), all_kinds=True)
        if not known:
            raise Rejected("MEMBER_UNKNOWN")
        return pb.SetMessageSwitchResponse()


def _member(request: pb.GetMessageSwitchRequest | pb.SetMessageSwitchRequest) -> tuple[UUID, str]:
    found = ids.parse(platforms.ID_PREFIX, request.platform_id, 1)
    if found is None:
        raise Rejected("PLATFORM_UNKNOWN")
    if member_id_problem(request.member_id):
        raise Rejected("MEMBER_UNKNOWN")
    return found[0], request.member_id
