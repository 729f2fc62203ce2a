"""PutMember: members' contact points are replaced, in batches, once per request id."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from groupbuy.notification.v1 import notification_service_pb2 as service_pb2

from services.chassis import ids, requests
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected
from services.chassis.requests import Answers, Decided, RequestKey
from services.notification import store
from services.notification.domain import Member
from services.notification.translate import wire_member


@dataclass(frozen=True, slots=True)
class PutMember:
    """A checked command."""

    key: RequestKey
    member: Member


class MemberWriter:
    """Decides batches of PutMember."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def decide(self, commands: Sequence[PutMember]) -> list[bytes | Rejected]:
        """Store members and answers in one transaction; of several commands for one member the last one holds."""
        first = {_id(command.key): command for command in reversed(commands)}
        async with self._database.work() as work:
            keys = [command.key for command in first.values()]
            known = Answers(keys, await (await requests.known(work.connection, [keys])).one())
            fresh = [command for command in first.values() if known.get(command.key) is None]
            if fresh:
                decided = [Decided(command.key, _answer(command.member)) for command in fresh]
                last = {
                    (item.key.platform_id, item.member.member_id): item.member for item in _in_order(commands, fresh)
                }
                members = [
                    (platform_id, member, _contact_ids(platform_id, member))
                    for (platform_id, _), member in last.items()
                ]
                await store.save_members(work.connection, members, self._clock.now())
                await requests.store(work.connection, [decided])
                for item in decided:
                    known.keep(item.key, item.answer)
        return [known.get(command.key) or b"" for command in commands]


def _id(key: RequestKey) -> tuple[UUID, str, str]:
    return key.platform_id, key.rpc, key.request_id


def _in_order(commands: Sequence[PutMember], fresh: Sequence[PutMember]) -> list[PutMember]:
    keys = {command.key for command in fresh}
    return [command for command in commands if command.key in keys]


def _answer(member: Member) -> bytes:
    return service_pb2.PutMemberResponse(member=wire_member(member)).SerializeToString()


def _contact_ids(platform_id: UUID, member: Member) -> list[UUID]:
    return [ids.derived_id(platform_id, member.member_id, point.channel, point.address) for point in member.points]
