"""What is asked of the one path: a command with whom it comes from and what it is about."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.chassis.requests import RequestKey
from services.team_formation.domain import (
    Cancel,
    Confirm,
    Default,
    Extend,
    Import,
    Join,
    Leave,
    NewInvite,
    Open,
    Sponsor,
)


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take an invite back."""

    invite_id: UUID
    language: str = ""
    """Of whoever reads the answer."""


@dataclass(frozen=True, slots=True)
class Look:
    """Bring a team up to date: what timers and sweeps ask."""


Command: TypeAlias = (
    Open | Import | Join | Confirm | Leave | Extend | Default | Sponsor | Cancel | NewInvite | Revoke | Look
)
Answer: TypeAlias = bytes
"""A response message as bytes, as it is stored; empty for a timer."""


class Ask(NamedTuple):
    """A command on one campaign; it names a team or a seat, or neither."""

    platform_id: UUID
    campaign_id: UUID
    command: Command
    request: RequestKey | None = None
    team_id: UUID | None = None
    seat_id: UUID | None = None


def weight(ask: Ask) -> int:
    """Tell for how many commands one counts in a batch: an import for as many as it has seats."""
    return max(1, len(ask.command.seats)) if isinstance(ask.command, Import) else 1
