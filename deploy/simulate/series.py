"""One item's way through the fills, as pictures need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from groupbuy.pricing.v1 import ladder_pb2, simulation_pb2

from deploy.demo.money import digits
from deploy.local.errors import LocalError


@dataclass(frozen=True)
class Series:
    """Prices and revenue by fill, from 0; minor units. A tier is its number and the fill it begins at."""

    sku: str
    currency: str
    by: str
    """What fills the ladder: members or units."""
    prices: Sequence[int]
    revenue: Sequence[int]
    least: Sequence[int]
    """The least that as many units bring if they all stay, whatever others did before."""
    dips: Sequence[int]
    """Fills that bring less than the one before."""
    tiers: Sequence[tuple[int, int]]

    def money(self, minor_units: int) -> str:
        """Write an amount with the decimals of the currency."""
        return f"{Decimal(minor_units).scaleb(-digits(self.currency)):,f} {self.currency}"


def series(answer: simulation_pb2.SimulateLadderResponse, sku: str = "") -> Series:
    """Take one item out of an answer, the first where none is named; LocalError where there is no such item."""
    skus = [item.sku for item in answer.points[0].items]
    if sku and sku not in skus:
        raise LocalError(f"There is no item {sku} in this ladder.", f"There are: {', '.join(skus)}.")
    place = skus.index(sku) if sku else 0
    found = [point.items[place] for point in answer.points]
    lowest = answer.worst_case.items[place].unit_price
    table = answer.price_table
    steps = {(step.tier, step.threshold) for row in table.rows for step in row.steps if step.tier}
    return Series(
        skus[place],
        table.currency,
        "members" if table.basis == ladder_pb2.BASIS_TEAM_MEMBERS else "units",
        [item.member_price for item in found],
        [item.revenue for item in found],
        [lowest * item.units for item in found],
        [dip.next_fill for dip in answer.dips if dip.sku == skus[place]],
        sorted(step for step in steps if step[1] < len(found)),
    )
