"""ReadReply: a stop word ends messages, as the link of a message does."""

from dataclasses import dataclass
from uuid import UUID

from groupbuy.notification.v1 import replies_pb2

from services.chassis import requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import Answer, Decided, RequestKey
from services.chassis.work import Work
from services.notification import store
from services.notification.domain import Meaning
from services.notification.handlers.groups import stop_group


@dataclass(frozen=True, slots=True)
class ReadReply:
    """A checked command; of a member, or of a group."""

    key: RequestKey
    member_id: str
    group_id: UUID | None
    meaning: Meaning


class Replies:
    """Does what replies mean, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def decide(self, command: ReadReply) -> Answer:
        """Stop, begin again or do nothing, and store the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            if command.group_id:
                await self._of_group(work, command, command.group_id)
            else:
                await self._of_member(work, command)
            meaning = replies_pb2.ReplyMeaning.Value(f"REPLY_MEANING_{command.meaning}")
            answer = replies_pb2.ReadReplyResponse(meaning=meaning).SerializeToString()
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _of_group(self, work: Work, command: ReadReply, group_id: UUID) -> None:
        if command.meaning is Meaning.STOP:
            await stop_group(work, command.key.platform_id, group_id, self._clock.now(command.key.platform_id))
        elif not await store.has_group(work.connection, command.key.platform_id, group_id):
            raise Rejected("GROUP_UNKNOWN")

    async def _of_member(self, work: Work, command: ReadReply) -> None:
        platform_id = command.key.platform_id
        member, now = (platform_id, command.member_id), self._clock.now(platform_id)
        if command.meaning is Meaning.STOP:
            known = await store.unsubscribe(work.connection, member, now, all_kinds=True)
        elif command.meaning is Meaning.START:
            known = await store.unmute(work.connection, member)
        else:
            known = bool(await store.find_reaches(work.connection, [member]))
        if not known:
            raise Rejected("MEMBER_UNKNOWN")
