"""What reports say: the way from a look to a sale, in parts and as a whole, and the commission that invites earn."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from uuid import UUID

from services.team_formation.domain.values import Word

BASIS_POINTS = 10_000
"""Hundredths of a percent in a whole."""


class ReportBy(Word):
    """How a campaign's report is split up."""

    DAY = "DAY"
    CHANNEL = "CHANNEL"
    PROMOTER = "PROMOTER"
    ITEM = "ITEM"


@dataclass(frozen=True, slots=True)
class Funnel:
    """Counts of looks, seats and units, sponsored seats left out; the amount is in minor units."""

    opened: int = 0
    joined: int = 0
    confirmed: int = 0
    formed: int = 0
    """Confirmed seats of formed teams, but those given back and those that defaulted."""
    units: int = 0
    """Of the seats under `formed`."""
    amount: int = 0
    """Of the seats under `formed`: quantity times the lower of cap and price at the fill the team formed with."""
    expired: int = 0
    left: int = 0

    def __add__(self, other: "Funnel") -> "Funnel":
        """Count two parts as one."""
        return Funnel(*(mine + more for mine, more in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class ReportPart:
    """What one part of a campaign counts."""

    key: str | None
    """A date, channel, promoter or item; empty: none. None where it belongs to the campaign alone."""
    funnel: Funnel
    invites: int
    """Invites made."""
    invited: int
    """Seats taken by invites."""


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign in parts, of which every seat, look and invite is in exactly one."""

    parts: tuple[ReportPart, ...]

    @property
    def total(self) -> Funnel:
        """The campaign as a whole."""
        return _whole(part.funnel for part in self.parts)

    @property
    def rows(self) -> list[ReportPart]:
        """The parts that have a key, ordered by it."""
        return sorted((part for part in self.parts if part.key is not None), key=lambda part: part.key or "")

    @property
    def joins_per_invite(self) -> float:
        """Seats taken by invites per invite made; 0 where none was made."""
        invites = sum(part.invites for part in self.parts)
        return sum(part.invited for part in self.parts) / invites if invites else 0.0


@dataclass(frozen=True, slots=True)
class InviteReport:
    """What one invite brought."""

    invite_id: UUID
    channel: str
    commission_basis_points: int
    funnel: Funnel

    @property
    def commission(self) -> int:
        """What it earns, minor units, rounded half up once."""
        return (self.funnel.amount * self.commission_basis_points + BASIS_POINTS // 2) // BASIS_POINTS


@dataclass(frozen=True, slots=True)
class PromoterReport:
    """What a promoter's invites brought, in the order they were made."""

    invites: tuple[InviteReport, ...]

    @property
    def total(self) -> Funnel:
        """All of them together."""
        return _whole(invite.funnel for invite in self.invites)

    @property
    def commission(self) -> int:
        """The sum of what its invites earn, minor units: what is paid is what stands beside each of them."""
        return sum(invite.commission for invite in self.invites)


def _whole(funnels: Iterable[Funnel]) -> Funnel:
    return sum(funnels, Funnel())
