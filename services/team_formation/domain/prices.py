"""The price table as team_formation reads it: unit price per item and role at every fill."""

from bisect import bisect_right
from dataclasses import dataclass, field
from uuid import UUID

from services.team_formation.domain.values import Word


class Basis(Word):
    """What fills a ladder."""

    TEAM_MEMBERS = "TEAM_MEMBERS"
    TEAM_UNITS = "TEAM_UNITS"
    CAMPAIGN_UNITS = "CAMPAIGN_UNITS"
    """Units of the whole campaign, as its tallies count them (`units_of_fill`)."""


class CouponOrder(Word):
    """Whether a coupon of a quote comes after the tier or before it; pricing computes with it."""

    AFTER_TIER = "AFTER_TIER"
    BEFORE_TIER = "BEFORE_TIER"


class Role(Word):
    """The part a seat plays in its team."""

    LEADER = "LEADER"
    MEMBER = "MEMBER"


@dataclass(frozen=True, slots=True)
class Tally:
    """What pricing counted of a campaign, as far as it is applied here; number 0 where none is yet."""

    seq: int = 0
    units: int = 0
    """Units that fill the ladder, over all teams of the campaign: formed ones as they formed."""


NO_TALLY = Tally()


@dataclass(frozen=True, slots=True)
class Discount:
    """What is taken off a list price; `kind` is fixed_price, amount_off or basis_points_off."""

    kind: str
    value: int
    sku: str = ""
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a ladder, from a fill on."""

    threshold: int
    discounts: tuple[Discount, ...]


@dataclass(frozen=True, slots=True)
class PriceStep:
    """From this fill on, this unit price in minor units; tier 0 is the list price."""

    threshold: int
    unit_price: int
    tier: int = 0
    discount: Discount | None = None


class ReferenceKind(Word):
    """What a reference price is (EU directive 98/6/EC, article 6a)."""

    LIST = "LIST"
    LOWEST_OF_30_DAYS = "LOWEST_OF_30_DAYS"


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """What one unit costs who buys alone, in minor units; shown, never charged. No kind where it was not said."""

    sku: str
    unit_price: int
    kind: ReferenceKind | None


@dataclass(frozen=True, slots=True)
class PriceRow:
    """All prices of one item and role, ascending by threshold, the first at 0."""

    sku: str
    role: Role
    steps: tuple[PriceStep, ...]
    floor_price: int = 0
    """No price of the row is below it, in minor units; 0 is no floor."""

    def at(self, fill: int) -> PriceStep:
        """Find the step that holds at a fill."""
        return self.steps[bisect_right(self.steps, fill, key=lambda step: step.threshold) - 1]

    def after(self, fill: int) -> PriceStep | None:
        """Find the step that comes next, if any."""
        at = bisect_right(self.steps, fill, key=lambda step: step.threshold)
        return self.steps[at] if at < len(self.steps) else None


@dataclass(frozen=True, slots=True)
class OwnStep:
    """From this fill on, this unit price in minor units, for one member."""

    threshold: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What pricing promised to one member, checked: a cap, and with a coupon a price of its own at every fill."""

    quote_id: UUID
    cap: int
    """Minor units."""
    ladder_version: int
    steps: tuple[OwnStep, ...] = ()
    """Ascending, the first at 0; none where the price table's prices hold."""

    def own_price(self, fill: int) -> int | None:
        """Tell what a unit costs at a fill by the member's own steps; None where it has none."""
        return next((step.unit_price for step in reversed(self.steps) if step.threshold <= fill), None)


@dataclass(frozen=True, slots=True)
class PriceTable:
    """A compiled ladder."""

    currency: str
    basis: Basis
    ladder_version: int
    rows: tuple[PriceRow, ...]
    references: tuple[ReferencePrice, ...] = ()
    _by_role: dict[tuple[str, Role], PriceRow] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the rows, so that finding one does not depend on their number; hash them once, as caches ask often."""
        object.__setattr__(self, "_by_role", {(row.sku, row.role): row for row in self.rows})
        object.__setattr__(self, "_hash", hash((self.currency, self.basis, self.ladder_version, self.rows)))

    def __hash__(self) -> int:
        """Tell tables of other prices apart too: most campaigns are at their first version."""
        return self._hash

    def turn(self, fill: int) -> int:
        """Number what all prices are at a fill: another number, other prices."""
        return sum(bisect_right(row.steps, fill, key=lambda step: step.threshold) for row in self.rows)

    def row(self, sku: str, role: Role) -> PriceRow:
        """Find the row of an item and role; KeyError where the table lacks it."""
        return self._by_role[sku, role]
