"""What callers ask of a team, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.team_formation.domain.abuse import Signal
from services.team_formation.domain.prices import Quote
from services.team_formation.domain.team import Refusal
from services.team_formation.domain.values import value


@dataclass(frozen=True, slots=True)
class Asserted:
    """What the platform asserts of a member."""

    newcomer: bool = False
    tags: frozenset[str] = frozenset()
    match_key: str = ""


NOTHING_ASSERTED = Asserted()


@dataclass(frozen=True, slots=True)
class Marks:
    """Hashes of what the platform calls a device and an address by; empty where it does not say."""

    device: bytes = b""
    address: bytes = b""


NO_MARKS = Marks()


@value
class Join:
    """Take a seat; money in minor units."""

    seat_id: UUID
    member_id: str
    sku: str
    quantity: int
    max_unit_price: int | None = None
    currency: str = ""
    invite_id: UUID | None = None
    external_ref: str = ""
    asserted: Asserted = NOTHING_ASSERTED
    quote: Quote | Refusal | None = None
    """The quote it brings, checked, or why that is no good: said where it is decided, so that a repeat is answered."""
    promoter_id: str = ""
    """Who earns a commission by it, from the invite; empty where nobody does."""
    commission_basis_points: int = 0
    hold_until: datetime | None = None
    """Of a seat that was taken in another system; None: the campaign's hold lifetime."""
    marks: Marks = NO_MARKS
    seen: Mapping[Signal, int] | None = None
    """How much there was before it of each sign of abuse that it can show; None where nobody looks."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open a team and take its leader's seat."""

    team_id: UUID
    join: Join
    external_ref: str = ""
    ends_at: datetime | None = None
    """Of a team that was opened in another system; None: the campaign's team lifetime."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A seat as it stands in another system; `cap` is what was promised for a unit, minor units of `join.currency`."""

    join: Join
    held_at: datetime
    cap: int
    confirmed_at: datetime | None = None
    payment_reference: str = ""


@dataclass(frozen=True, slots=True)
class Import:
    """Bring a running team over from another system; the first seat is who leads."""

    team_id: UUID
    external_ref: str
    opened_at: datetime
    ends_at: datetime
    seats: tuple[Brought, ...]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Say that a seat's commitment was made; the amount is in minor units."""

    amount: int
    currency: str
    payment_reference: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """Give a seat back, or some of its units; 0 means all."""

    units: int = 0


@dataclass(frozen=True, slots=True)
class Extend:
    """Extend a hold."""


@dataclass(frozen=True, slots=True)
class Default:
    """Say that the money of a confirmed seat did not come."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sponsor:
    """Fill places of a team, one unit each; one id per seat."""

    seat_ids: tuple[UUID, ...]
    sku: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give a team up."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class NewInvite:
    """Make an invite."""

    invite_id: UUID
    member_id: str
    promoter_id: str
    channel: str
    label: str
    note: str
    expires_at: datetime | None
    max_uses: int = 0
    commission_basis_points: int = 0
    language: str = ""
    """Of whoever reads the answer."""


@dataclass(frozen=True, slots=True)
class Invite:
    """A link to a team, made by a member or a promoter."""

    invite_id: UUID
    campaign_id: UUID
    team_id: UUID
    platform_id: UUID
    member_id: str
    promoter_id: str
    channel: str
    label: str
    note: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    max_uses: int = 0
    uses: int = 0
    commission_basis_points: int = 0
