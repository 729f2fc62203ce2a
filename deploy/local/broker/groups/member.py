"""One member of a consumer group: what it asked for when it joined, and what it waits for now."""

import asyncio
import base64
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class JoinAsk:
    """What a member says when it joins. `takes_id` tells whether it understands being given its id first (KIP-394)."""

    member_id: str
    instance: str | None
    client_id: str
    host: str
    session_s: float
    rebalance_s: float
    protocol_type: str
    protocols: dict[str, bytes]
    takes_id: bool


@dataclass(frozen=True)
class Joined:
    """The answer to a member that joined; only the leader gets the members as (id, instance, metadata)."""

    generation: int
    protocol_type: str
    protocol: str
    leader: str
    member_id: str
    members: list[tuple[str, str | None, bytes]]


@dataclass
class Member:
    """`deadline` is the time by which it must be heard of again; the futures are requests that wait for an answer."""

    id: str
    instance: str | None
    client_id: str
    host: str
    session_s: float
    rebalance_s: float
    protocols: dict[str, bytes]
    deadline: float
    assignment: bytes = b""
    joining: "asyncio.Future[Joined] | None" = field(default=None, repr=False)
    syncing: "asyncio.Future[bytes] | None" = field(default=None, repr=False)

    @property
    def waiting(self) -> bool:
        """Whether the broker owes it an answer: it is alive then, as far as we know."""
        return self.joining is not None or self.syncing is not None

    def to_json(self) -> dict[str, Any]:
        """What is kept of it over a restart."""
        return {
            "id": self.id,
            "instance": self.instance,
            "client_id": self.client_id,
            "host": self.host,
            "session_s": self.session_s,
            "rebalance_s": self.rebalance_s,
            "protocols": {name: base64.b64encode(data).decode() for name, data in self.protocols.items()},
            "assignment": base64.b64encode(self.assignment).decode(),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any], now: float) -> "Member":
        """The member as it was; its session begins anew at `now`."""
        protocols = {name: base64.b64decode(data) for name, data in kept.pop("protocols").items()}
        assignment = base64.b64decode(kept.pop("assignment"))
        return cls(**kept, protocols=protocols, assignment=assignment, deadline=now + kept["session_s"])
