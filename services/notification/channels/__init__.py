"""Channels: the ways to reach a member. One file each; none retries by itself, the sender does it for all.

To add one, write a class that keeps `Channel` and have `opened` make it; docs/channels.md shows it step by step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from services.notification.channels.http import Http
from services.notification.domain import Kind, Misconfigured, Outcome, Refused, Retry, Sent

__all__ = [
    "Account",
    "Channel",
    "Channels",
    "Field",
    "Http",
    "Kind",
    "Letter",
    "Misconfigured",
    "Opened",
    "Outcome",
    "Refused",
    "Retry",
    "Sent",
    "Setup",
    "Tools",
]


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
    link: str = ""
    """Where a button leads, if the message has one."""
    link_label: str = ""
    place: str = ""
    """The member's own page, if the message is about its seat; whoever has the link may give the seat back.

    It is said in the text, or is the link, unless the channel shows a second button: then it is that button's.
    """
    place_label: str = ""
    unsubscribe: str = ""
    """Where a POST ends messages of this kind (RFC 8058), if they can be ended and an address takes it."""
    edits: str = ""
    """The service's id of a message to the same address whose place this one takes; only where the channel edits."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a platform has set up for a channel, by the names of the channel's fields; empty where it needs nothing."""

    platform_id: UUID
    settings: Mapping[str, str]
    version: int = 0
    """Another number means other settings: what was remembered for the one before is worth nothing."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a platform sets up for a channel: its name, and where it is found. A secret is never shown again."""

    name: str
    meaning: str
    secret: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Setup:
    """What a channel needs to be set up, and what its service allows."""

    fields: tuple[Field, ...] = ()
    per_second: float | None = None
    """Most messages a second of one account, by the service's own documents; None where it names no limit."""
    has_buttons: bool = False
    """Whether it shows a letter's link as a button: the text then comes without it as its last line."""
    has_second_button: bool = False
    """Whether it shows a button for a letter's place beside the one for its link."""
    edits: bool = False
    """Whether it can put a letter in the place of one that it has sent; it then gives the same id again."""

    @property
    def is_needed(self) -> bool:
        """Whether nothing can be sent before a platform has set it up."""
        return any(item.required for item in self.fields)


class Channel(Protocol):
    """A way to reach a member."""

    @property
    def name(self) -> str:
        """The name that contact points use."""

    @property
    def setup(self) -> Setup:
        """What it needs."""

    def check(self, address: str) -> str | None:
        """Say what is wrong with an address and how to mend it; None where it is fine. Connects to nothing."""

    def check_account(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """Say what is wrong with the fields of an account, by name, beyond their absence. Connects to nothing."""

    async def send(self, letter: Letter, account: Account) -> Outcome:
        """Try once. Trouble is an outcome, not an exception; the caller bounds the time by cancelling."""

    async def close(self) -> None:
        """Let go of what is its own."""


Channels: TypeAlias = Mapping[str, Channel]
"""Channels by name."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every channel is given when it is made."""

    http: Http
    """One client for all; it is closed by whoever made it."""


Opened: TypeAlias = Callable[[Tools], Channel]
"""Makes a channel; what an entry point of the group `groupbuy.channels` names."""
