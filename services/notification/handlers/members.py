"""PutMember: members' contact points are replaced, in batches, once per request id."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis import erased, requests
from services.chassis.clock import Clock
from services.chassis.database import Connection, Database
from services.chassis.errors import Rejected
from services.chassis.requests import Answers, Decided, RequestKey
from services.notification.contacts import Contacts
from services.notification.domain import Member


@dataclass(frozen=True, slots=True)
class PutMember:
    """A checked command."""

    key: RequestKey
    member: Member


class MemberWriter:
    """Decides batches of PutMember."""

    def __init__(self, database: Database, clock: Clock, contacts: Contacts) -> None:
        self._database = database
        self._clock = clock
        self._contacts = contacts

    async def decide(self, commands: Sequence[PutMember]) -> list[bytes | Rejected]:
        """Store members and answers in one transaction; of several commands for one member the last one holds.

        What is stored as an answer is empty, without an address: it says what was asked for, as the caller knows.
        """
        first = {_id(command.key): command for command in reversed(commands)}
        async with self._database.work() as work:
            keys = [command.key for command in first.values()]
            known = Answers(keys, await (await requests.known(work.connection, [keys])).one())
            fresh = [command for command in first.values() if known.get(command.key) is None]
            refused = await _refused(work.connection, fresh)
            fresh = [command for command in fresh if command.key not in refused]
            if fresh:
                decided = [Decided(command.key, b"") for command in fresh]
                last = {
                    (item.key.platform_id, item.member.member_id): item.member for item in _in_order(commands, fresh)
                }
                members = [(platform_id, member) for (platform_id, _), member in last.items()]
                await self._contacts.save(work.connection, members, self._clock.now)
                await requests.store(work.connection, [decided])
                for item in decided:
                    known.keep(item.key, item.answer)
        return [refused.get(command.key) or known.get(command.key) or b"" for command in commands]


async def _refused(connection: Connection, fresh: Sequence[PutMember]) -> dict[RequestKey, Rejected]:
    """Find those that are for members that were erased; nothing of them is stored."""
    named: dict[UUID, set[str]] = {}
    for command in fresh:
        named.setdefault(command.key.platform_id, set()).add(command.member.member_id)
    found = await erased.find_erased(connection, named)
    ids = {command.key: (command.key.platform_id, command.member.member_id) for command in fresh}
    return {key: erased.refusal(found[member]) for key, member in ids.items() if member in found}


def _id(key: RequestKey) -> tuple[UUID, str, str]:
    return key.platform_id, key.rpc, key.request_id


def _in_order(commands: Sequence[PutMember], fresh: Sequence[PutMember]) -> list[PutMember]:
    keys = {command.key for command in fresh}
    return [command for command in commands if command.key in keys]
