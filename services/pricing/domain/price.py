"""A price table: the unit price of every item and role at every fill."""

from bisect import bisect_right
from dataclasses import dataclass, field

from services.pricing.domain.values import Word


class Basis(Word):
    """What fills a ladder."""

    TEAM_MEMBERS = "TEAM_MEMBERS"
    TEAM_UNITS = "TEAM_UNITS"
    CAMPAIGN_UNITS = "CAMPAIGN_UNITS"

    @property
    def is_of_campaign(self) -> bool:
        """Whether all teams of a campaign fill it together: the fill is read at a tally."""
        return self is Basis.CAMPAIGN_UNITS


class Role(Word):
    """The part a seat plays in its team."""

    LEADER = "LEADER"
    MEMBER = "MEMBER"


class DiscountKind(Word):
    """How a discount makes a unit price of a list price."""

    FIXED_PRICE = "fixed_price"
    AMOUNT_OFF = "amount_off"
    BASIS_POINTS_OFF = "basis_points_off"


@dataclass(frozen=True, slots=True)
class Discount:
    """What a tier takes off; value in minor units or basis points. No SKU means every item, no role every role."""

    kind: DiscountKind | None
    value: int
    sku: str = ""
    role: Role | None = None


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
    """All prices of one item and role, ascending by threshold, the first at 0: the list price."""

    sku: str
    role: Role
    steps: tuple[PriceStep, ...]
    floor_price: int = 0
    """No price of the row is below it, in minor units; 0 is no floor."""

    @property
    def list_price(self) -> int:
        """Unit price without any team, in minor units."""
        return self.steps[0].unit_price

    def at(self, fill: int) -> PriceStep:
        """Find the step that holds at a fill: the one with the greatest threshold that the fill has reached."""
        return self.steps[bisect_right(self.steps, fill, key=lambda step: step.threshold) - 1]


@dataclass(frozen=True, slots=True)
class PriceMove:
    """How the unit price of one item and role moved, in minor units; `next` is its price at the next tier."""

    sku: str
    role: Role
    old: int
    new: int
    next: int


@dataclass(frozen=True, slots=True)
class PriceTable:
    """A compiled ladder. Its tiers are those of all rows together: a row without a step at a tier keeps its price."""

    currency: str
    basis: Basis
    ladder_version: int
    rows: tuple[PriceRow, ...]
    references: tuple[ReferencePrice, ...] = ()
    thresholds: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Fills at which a tier begins, ascending."""
    _tiers: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _rows: dict[tuple[str, Role], PriceRow] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        steps = sorted({(step.threshold, step.tier) for row in self.rows for step in row.steps[1:]})
        object.__setattr__(self, "thresholds", tuple(threshold for threshold, _ in steps))
        object.__setattr__(self, "_tiers", (0, *(tier for _, tier in steps)))
        object.__setattr__(self, "_rows", {(row.sku, row.role): row for row in self.rows})

    def row(self, sku: str, role: Role) -> PriceRow | None:
        """Find the row of an item and role."""
        return self._rows.get((sku, role))

    def tier(self, fill: int) -> int:
        """Tell which tier holds at a fill, counted from 1; 0 is the list price."""
        return self._tiers[bisect_right(self.thresholds, fill)]

    def threshold(self, fill: int) -> int:
        """Tell at which fill the tier that holds began; 0 for the list price."""
        at = bisect_right(self.thresholds, fill)
        return self.thresholds[at - 1] if at else 0

    def next_threshold(self, fill: int) -> int | None:
        """Tell at which fill the next tier begins; None at the last."""
        at = bisect_right(self.thresholds, fill)
        return self.thresholds[at] if at < len(self.thresholds) else None

    def missing_to_next(self, fill: int) -> int:
        """Tell how much fill is missing to the next tier; 0 at the last."""
        following = self.next_threshold(fill)
        return 0 if following is None else following - fill

    def same_tier(self, fill: int, other: int) -> bool:
        """Tell whether no price differs between two fills, from the thresholds alone."""
        return bisect_right(self.thresholds, fill) == bisect_right(self.thresholds, other)

    def moves(self, old_fill: int, fill: int) -> tuple[PriceMove, ...]:
        """Compare the price of every item and role at two fills, moved or not."""
        following = self.next_threshold(fill)
        ahead = fill if following is None else following
        return tuple(
            PriceMove(row.sku, row.role, row.at(old_fill).unit_price, row.at(fill).unit_price, row.at(ahead).unit_price)
            for row in self.rows
        )


def table_problem(table: PriceTable) -> str | None:
    """Say what makes a table unusable, if anything does."""
    if not table.rows or table.ladder_version < 1:
        return "the price table has no rows or no ladder version"
    if len({(row.sku, row.role) for row in table.rows}) < len(table.rows):
        return "the price table has two rows for one item and role"
    if len(set(table.thresholds)) < len(table.thresholds):
        return "the price table's rows disagree about its tiers"
    return next(filter(None, map(_row_problem, table.rows)), None)


def _row_problem(row: PriceRow) -> str | None:
    thresholds = [step.threshold for step in row.steps]
    if thresholds[:1] != [0] or sorted(set(thresholds)) != thresholds:
        return f"the steps of {row.sku} do not ascend from 0"
    if min(step.unit_price for step in row.steps) < 0:
        return f"a price of {row.sku} is below zero"
    if min(step.unit_price for step in row.steps) < row.floor_price or row.floor_price < 0:
        return f"a price of {row.sku} is below its floor price of {row.floor_price}"
    return None


def payable(price: int, cap: int) -> int:
    """Tell what one unit of a seat costs: the price, never more than the seat's cap; minor units."""
    return min(price, cap)
