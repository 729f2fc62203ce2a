"""What a ladder earns at every fill, where it earns less with one more member, and the least it can earn at all.

Formulas, in integers of minor units; docs/simulation.md derives them. For one item, u units a seat, at fill f:

    units(f)   = f * u where members fill the ladder, f where units do
    revenue(f) = leader(f) * min(u, units) + member(f) * (units - min(u, units))    and 0 at fill 0
    margin(f)  = revenue(f) - cost * units(f)
    dip at f   : f > 0 and revenue(next f) < revenue(f), where one more seat makes the next f

Every seat that stays pays min(price at the final fill, its cap), and a cap is a price of the same table at a fill that
was once reached. No price rises with the fill, so neither is below the price at the highest fill, in whichever role:

    lowest(item) = min over roles of price(item, role, max_fill)
    worst case of n units that stay = n * lowest(item)
    worst case of a team that forms = max(0, minimum - sponsored) * min over items of lowest(item)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.pricing.domain.price import Basis, PriceRow, PriceTable, Role

MOST_FILL = 10_000
MOST_RESULTS = 20_000
"""Items times fills of one answer; it fits what gRPC clients take."""
MOST_UNITS = 1_000_000


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed of the teams: seats have so many units each, and no fill goes above `max_fill`."""

    max_fill: int
    """In the ladder's basis."""
    units_per_seat: int = 1
    minimum: int = 1
    """Members or units, as the campaign counts; each member has one unit at least."""
    max_sponsored: int = 0
    """Places that the platform may fill itself; they count for the minimum and owe nothing."""
    unit_costs: Mapping[str, int] = field(default_factory=dict)
    """What one unit costs the seller, by SKU, in minor units."""


@dataclass(frozen=True, slots=True)
class ItemPoint:
    """One item at one fill, as if every seat had it; margin is None where no cost was said."""

    sku: str
    leader_price: int
    member_price: int
    units: int
    revenue: int
    margin: int | None


@dataclass(frozen=True, slots=True)
class Point:
    """Every item at one fill, in the ladder's basis."""

    fill: int
    tier: int
    items: tuple[ItemPoint, ...]


@dataclass(frozen=True, slots=True)
class Dip:
    """A fill at which one more confirmed seat lowers the revenue of an item's team."""

    sku: str
    fill: int
    next_fill: int
    revenue: int
    next_revenue: int


@dataclass(frozen=True, slots=True)
class Lowest:
    """The least that one unit of a seat that stays can end at; with a coupon, only the floor bounds it."""

    sku: str
    unit_price: int
    with_coupon: int


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The least that any history which forms a team can leave: so many paying units at the lowest prices."""

    units: int
    revenue: int
    margin: int | None
    items: tuple[Lowest, ...]

    def at_least(self, staying: Mapping[str, int]) -> int:
        """Tell the least that seats which stay pay, given their units by SKU; minor units."""
        lowest = {item.sku: item.unit_price for item in self.items}
        return sum(lowest[sku] * units for sku, units in staying.items())


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a ladder comes to."""

    points: tuple[Point, ...]
    dips: tuple[Dip, ...]
    worst_case: WorstCase


def simulate(table: PriceTable, assumed: Assumed) -> Simulated:
    """Go through every fill from 0 to the highest."""
    skus = tuple(dict.fromkeys(row.sku for row in table.rows))
    points = tuple(_point(table, skus, assumed, fill) for fill in range(assumed.max_fill + 1))
    dips = tuple(dip for place in range(len(skus)) for dip in _dips(table, points, place, assumed))
    return Simulated(points, dips, _worst_case(table, skus, assumed))


def _point(table: PriceTable, skus: Sequence[str], assumed: Assumed, fill: int) -> Point:
    return Point(fill, table.tier(fill), tuple(_item_point(table, sku, assumed, fill) for sku in skus))


def _item_point(table: PriceTable, sku: str, assumed: Assumed, fill: int) -> ItemPoint:
    leader, member = (_row(table, sku, role).at(fill).unit_price for role in Role)
    units = fill * assumed.units_per_seat if table.basis is Basis.TEAM_MEMBERS else fill
    of_leader = min(assumed.units_per_seat, units)
    revenue = leader * of_leader + member * (units - of_leader)
    cost = assumed.unit_costs.get(sku)
    return ItemPoint(sku, leader, member, units, revenue, None if cost is None else revenue - cost * units)


def _dips(table: PriceTable, points: Sequence[Point], place: int, assumed: Assumed) -> list[Dip]:
    step = 1 if table.basis is Basis.TEAM_MEMBERS else assumed.units_per_seat
    found = []
    for now, then in zip(points[1:], points[1 + step :], strict=False):
        one, other = now.items[place], then.items[place]
        if other.revenue < one.revenue:
            found.append(Dip(one.sku, now.fill, then.fill, one.revenue, other.revenue))
    return found


def _worst_case(table: PriceTable, skus: Sequence[str], assumed: Assumed) -> WorstCase:
    items = tuple(_lowest(table, sku, assumed.max_fill) for sku in skus)
    units = max(0, assumed.minimum - assumed.max_sponsored)
    margins = [item.unit_price - assumed.unit_costs[item.sku] for item in items if item.sku in assumed.unit_costs]
    margin = min(margins) * units if len(margins) == len(items) else None
    return WorstCase(units, min(item.unit_price for item in items) * units, margin, items)


def _lowest(table: PriceTable, sku: str, max_fill: int) -> Lowest:
    rows = [_row(table, sku, role) for role in Role]
    price = min(row.at(max_fill).unit_price for row in rows)
    return Lowest(sku, price, min(price, *(row.floor_price for row in rows)))


def _row(table: PriceTable, sku: str, role: Role) -> PriceRow:
    row = table.row(sku, role)
    if row is None:
        raise KeyError((sku, role))
    return row
