"""What reports say: the way from a look to a sale, in parts and as a whole, and the commission that invites earn."""

from dataclasses import dataclass
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
    MEMBER = "MEMBER"
    """By the member whose invite it was."""


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


@dataclass(frozen=True, slots=True)
class ReportPart:
    """What one part of a campaign counts."""

    key: str
    """A date, channel, promoter, item or member; empty: none."""
    funnel: Funnel
    invites: int
    """Invites made."""


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """A campaign as a whole, and a page of the parts it is split into; every seat is in exactly one part."""

    total: Funnel
    invites: int
    """Invites made in the campaign."""
    invited: int
    """Seats taken by invites."""
    rows: tuple[ReportPart, ...]
    """Ordered by key. What has no key, such as a look by item, belongs to the campaign alone."""

    @property
    def joins_per_invite(self) -> float:
        """Seats taken by invites per invite made; 0 where none was made."""
        return self.invited / self.invites if self.invites else 0.0


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
class InvitesReport:
    """What all invites of a promoter or member brought, and a page of them, in the order they were made."""

    total: Funnel
    commission: int
    """The sum of what each of them earns, minor units: what is paid is what stands beside them."""
    invites: tuple[InviteReport, ...]
