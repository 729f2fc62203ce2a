"""The life of one consumer group: members join, one of them divides the partitions, all of them keep being heard of."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.groups.member import JoinAsk, Joined, Member

# The same bounds as Apache Kafka has in deploy/local/kafka/server.properties.
_SHORTEST_SESSION_S = 1.0
_LONGEST_SESSION_S = 1800.0


class State(StrEnum):
    """The names that the protocol uses."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


class MemberIdRequired(Refused):
    """A new member is told its id and joins again with it, so that a lost answer leaves no ghost (KIP-394)."""

    def __init__(self, member_id: str) -> None:
        super().__init__(ErrorCode.MEMBER_ID_REQUIRED)
        self.member_id = member_id


class Group:
    """One group. Times are seconds of `clock`; `tick` must be called often, it is what ends sessions and waits."""

    def __init__(self, group_id: str, clock: Callable[[], float], on_settled: Callable[["Group"], None]) -> None:
        """`on_settled` is told when the group becomes stable or empty: what is worth keeping over a restart."""
        self.id = group_id
        self.state = State.EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol = ""
        self.leader = ""
        self.members: dict[str, Member] = {}
        self._clock = clock
        self._on_settled = on_settled
        #: Ids given by KIP-394 whose owners have not joined yet, and until when they may.
        self.promised: dict[str, float] = {}
        self._rebalance_ends = 0.0

    # -- requests -----------------------------------------------------------------------------------------------

    async def join(self, ask: JoinAsk) -> Joined:
        """Join, or join again, and wait until all members have. Raises Refused."""
        self._check(ask)
        member = self._known(ask)
        if member is None:
            member = self._admit(ask)
            self._rebalance()
        elif self._settled_for(member, ask):
            member.deadline = self._clock() + member.session_s
            return self._joined(member)
        else:
            _update(member, ask)
            if self.state is not State.PREPARING:
                self._rebalance()
        _fail(member.joining)
        waiting: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        member.joining = waiting
        self._complete_if_all_joined()
        return await waiting

    async def sync(self, member_id: str, instance: str | None, generation: int, shares: dict[str, bytes]) -> bytes:
        """The member's share; the leader brings all `shares`, the others wait for it. Raises Refused."""
        member = self._heard_of(member_id, instance, generation)
        if self.state is State.PREPARING:
            raise Refused(ErrorCode.REBALANCE_IN_PROGRESS)
        if self.state is State.STABLE:
            return member.assignment
        if member_id == self.leader:
            self._settle(shares)
            return member.assignment
        _fail(member.syncing)
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        member.syncing = waiting
        return await waiting

    def heartbeat(self, member_id: str, instance: str | None, generation: int) -> None:
        """Note that a member lives; raises Refused, also to tell it to join again."""
        self._heard_of(member_id, instance, generation)
        if self.state is State.PREPARING:
            raise Refused(ErrorCode.REBALANCE_IN_PROGRESS)

    def leave(self, member_id: str, instance: str | None) -> str:
        """Remove a member, named by its id or its instance; the id it had. Raises Refused."""
        if instance is not None and not member_id:
            member_id = next((one.id for one in self.members.values() if one.instance == instance), "")
        if self.promised.pop(member_id, None) is None:
            self._member(member_id, instance)
            self._remove([member_id])
        return member_id

    def check_commit(self, member_id: str, instance: str | None, generation: int) -> None:
        """Whether positions may be committed now: by a member in its generation, or by anybody when there is none."""
        if generation < 0 and not member_id:
            if self.members:
                raise Refused(ErrorCode.UNKNOWN_MEMBER_ID, f"group {self.id} has members: they alone commit")
            return
        self._heard_of(member_id, instance, generation)
        if self.state is State.COMPLETING:
            raise Refused(ErrorCode.REBALANCE_IN_PROGRESS)

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Drop members that were not heard of in time, and end a rebalance that has waited long enough."""
        now = self._clock()
        self.promised = {name: until for name, until in self.promised.items() if until > now}
        silent = [member.id for member in self.members.values() if member.deadline <= now and not member.waiting]
        if silent:
            self._remove(silent)
        if self.state is State.PREPARING and now >= self._rebalance_ends:
            self._complete()
        elif self.state is State.COMPLETING and now >= self._rebalance_ends:
            self._remove([member.id for member in self.members.values() if member.syncing is None])
        self._complete_if_all_joined()

    # -- what is kept over a restart ----------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The settled state."""
        return {
            "generation": self.generation,
            "protocol_type": self.protocol_type,
            "protocol": self.protocol,
            "leader": self.leader,
            "members": [member.to_json() for member in self.members.values()],
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Take up a settled state again: members go on without a rebalance, as with Apache Kafka."""
        self.generation, self.leader = kept["generation"], kept["leader"]
        self.protocol_type, self.protocol = kept["protocol_type"], kept["protocol"]
        members = [Member.from_json(dict(one), self._clock()) for one in kept["members"]]
        self.members = {member.id: member for member in members}
        self.state = State.STABLE if members else State.EMPTY

    # -- members ------------------------------------------------------------------------------------------------

    def _check(self, ask: JoinAsk) -> None:
        if not _SHORTEST_SESSION_S <= ask.session_s <= _LONGEST_SESSION_S:
            raise Refused(ErrorCode.INVALID_SESSION_TIMEOUT)
        others = [member for member in self.members.values() if member.id != ask.member_id]
        if not ask.protocols or not ask.protocol_type:
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        if others and (ask.protocol_type != self.protocol_type or not _common(others) & ask.protocols.keys()):
            raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)

    def _known(self, ask: JoinAsk) -> Member | None:
        """The member that joins again, None for a new one; raises for an id that was never given."""
        if ask.instance is not None and not ask.member_id:
            return self._rename(ask.instance)
        if not ask.member_id or self.promised.pop(ask.member_id, None) is not None:
            return None
        return self._member(ask.member_id, ask.instance)

    def _rename(self, instance: str) -> Member | None:
        """A static member that comes back after a restart of its own: the same member under a new id (KIP-345)."""
        before = next((member for member in self.members.values() if member.instance == instance), None)
        if before is None:
            return None
        _fail(before.joining, ErrorCode.FENCED_INSTANCE_ID)
        _fail(before.syncing, ErrorCode.FENCED_INSTANCE_ID)
        before.joining = before.syncing = None
        del self.members[before.id]
        renamed = _new_id(instance)
        if self.leader == before.id:
            self.leader = renamed
        before.id = renamed
        self.members[renamed] = before
        if self.state is State.STABLE:
            self._on_settled(self)
        return before

    def _admit(self, ask: JoinAsk) -> Member:
        if not ask.member_id and ask.instance is None and ask.takes_id:
            promised = _new_id(ask.client_id)
            self.promised[promised] = self._clock() + ask.session_s
            raise MemberIdRequired(promised)
        member = Member(
            id=ask.member_id or _new_id(ask.instance or ask.client_id),
            instance=ask.instance,
            client_id=ask.client_id,
            host=ask.host,
            session_s=ask.session_s,
            rebalance_s=ask.rebalance_s,
            protocols=ask.protocols,
            deadline=self._clock() + ask.session_s,
        )
        self.members[member.id] = member
        self.protocol_type = ask.protocol_type
        return member

    def _member(self, member_id: str, instance: str | None) -> Member:
        if instance is not None:
            owner = next((one for one in self.members.values() if one.instance == instance), None)
            if owner is not None and owner.id != member_id:
                raise Refused(ErrorCode.FENCED_INSTANCE_ID)
        member = self.members.get(member_id)
        if member is None:
            raise Refused(ErrorCode.UNKNOWN_MEMBER_ID)
        return member

    def _heard_of(self, member_id: str, instance: str | None, generation: int) -> Member:
        member = self._member(member_id, instance)
        if generation != self.generation:
            raise Refused(ErrorCode.ILLEGAL_GENERATION)
        member.deadline = self._clock() + member.session_s
        return member

    def _remove(self, gone: list[str]) -> None:
        for member_id in gone:
            member = self.members.pop(member_id)
            _fail(member.joining, ErrorCode.UNKNOWN_MEMBER_ID)
            _fail(member.syncing, ErrorCode.UNKNOWN_MEMBER_ID)
        if self.leader in gone:
            self.leader = ""
        if not gone:
            return
        if self.state is State.PREPARING:
            self._complete_if_all_joined()
        else:
            self._rebalance()

    # -- rebalance ----------------------------------------------------------------------------------------------

    def _settled_for(self, member: Member, ask: JoinAsk) -> bool:
        """Whether a member that joins again finds the group as it would be after a rebalance."""
        if self.protocol not in ask.protocols or member.protocols != ask.protocols:
            return False
        if self.state is State.COMPLETING:
            return True  # it did not get the answer to its first request
        returns = ask.instance is not None and not ask.member_id
        return self.state is State.STABLE and (returns or member.id != self.leader)

    def _rebalance(self) -> None:
        """Ask everybody to join again."""
        for member in self.members.values():
            _fail(member.syncing)
            member.syncing = None
        self.state = State.PREPARING
        self._rebalance_ends = self._clock() + max((one.rebalance_s for one in self.members.values()), default=0)
        self._complete_if_all_joined()

    def _complete_if_all_joined(self) -> None:
        if self.state is not State.PREPARING or (self.members and self.promised):
            return
        if all(member.joining is not None for member in self.members.values()):
            self._complete()

    def _complete(self) -> None:
        """Begin the next generation with those who have joined."""
        for absent in [member.id for member in self.members.values() if member.joining is None]:
            del self.members[absent]
        self.generation += 1
        if not self.members:
            self._settle_empty()
            return
        self.state = State.COMPLETING
        self.protocol = _vote(list(self.members.values()))
        self.leader = self.leader if self.leader in self.members else next(iter(self.members))
        self._rebalance_ends = self._clock() + max(one.rebalance_s for one in self.members.values())
        for member in self.members.values():
            member.deadline = self._clock() + member.session_s
            waiting, member.joining = member.joining, None
            if waiting is not None and not waiting.done():
                waiting.set_result(self._joined(member))

    def _joined(self, member: Member) -> Joined:
        """The answer; a leader that comes back to a stable group gets no members, so that it divides nothing anew."""
        divides = member.id == self.leader and self.state is State.COMPLETING
        members = [(one.id, one.instance, one.protocols[self.protocol]) for one in self.members.values()]
        leader = self.leader if divides or member.id != self.leader else ""
        return Joined(self.generation, self.protocol_type, self.protocol, leader, member.id, members if divides else [])

    def _settle(self, shares: dict[str, bytes]) -> None:
        for member in self.members.values():
            member.assignment = shares.get(member.id, b"")
            waiting, member.syncing = member.syncing, None
            if waiting is not None and not waiting.done():
                waiting.set_result(member.assignment)
        self.state = State.STABLE
        self._on_settled(self)

    def _settle_empty(self) -> None:
        self.state, self.leader, self.protocol = State.EMPTY, "", ""
        self._on_settled(self)


def _update(member: Member, ask: JoinAsk) -> None:
    member.protocols, member.client_id, member.host = ask.protocols, ask.client_id, ask.host
    member.session_s, member.rebalance_s = ask.session_s, ask.rebalance_s


def _common(members: list[Member]) -> set[str]:
    return set.intersection(*(set(member.protocols) for member in members))


def _vote(members: list[Member]) -> str:
    """The protocol that most members like best among those that all of them know."""
    common = _common(members)
    votes = Counter(next(name for name in member.protocols if name in common) for member in members)
    return votes.most_common(1)[0][0]


def _fail(waiting: "asyncio.Future[Any] | None", code: ErrorCode = ErrorCode.REBALANCE_IN_PROGRESS) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_exception(Refused(code))


def _new_id(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4()}"
