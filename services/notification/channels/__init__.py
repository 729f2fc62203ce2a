"""Channels: the ways to reach a member. One file each; none retries by itself, the sender does it for all.

To add one: a file with a class that keeps `Channel`, and its line in `registry.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from services.notification.domain import Kind, Misconfigured, Outcome, Refused, Retry, Sent

__all__ = ["Channel", "Channels", "Letter", "Misconfigured", "Outcome", "Refused", "Retry", "Sent"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way. The delivery's id stays the same however often it is tried: the idempotency key."""

    delivery_id: UUID
    address: str
    kind: Kind
    member_id: str
    team_id: str
    language: str
    subject: str
    body: str
    written_at: datetime


class Channel(Protocol):
    """A way to reach a member."""

    @property
    def name(self) -> str:
        """The name contact points use."""

    def check(self, address: str) -> str | None:
        """Say what is wrong with an address and how to mend it; None where it is fine. Connects to nothing."""

    async def send(self, letter: Letter) -> Outcome:
        """Try once. Trouble is an outcome, not an exception; the caller bounds the time by cancelling."""

    async def close(self) -> None:
        """Let go of connections."""


Channels: TypeAlias = Mapping[str, Channel]
"""Channels by name."""
