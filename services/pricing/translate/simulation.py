"""Writes what a ladder comes to."""

from groupbuy.pricing.v1 import simulation_pb2 as pb

from services.pricing import domain
from services.pricing.translate.words import price_table


def simulated(found: domain.Simulated, table: domain.PriceTable) -> pb.SimulateLadderResponse:
    """Write the answer of SimulateLadder."""
    worst = found.worst_case
    lowest = [
        pb.LowestPrice(sku=item.sku, unit_price=item.unit_price, with_coupon=item.with_coupon) for item in worst.items
    ]
    return pb.SimulateLadderResponse(
        points=map(_point, found.points),
        dips=map(_dip, found.dips),
        worst_case=pb.WorstCase(units=worst.units, revenue=worst.revenue, margin=worst.margin, items=lowest),
        price_table=price_table(table),
    )


def _point(point: domain.Point) -> pb.SimulatedPoint:
    return pb.SimulatedPoint(fill=point.fill, tier=point.tier, items=map(_item, point.items))


def _item(item: domain.ItemPoint) -> pb.SimulatedItem:
    return pb.SimulatedItem(
        sku=item.sku,
        leader_price=item.leader_price,
        member_price=item.member_price,
        units=item.units,
        revenue=item.revenue,
        margin=item.margin,
    )


def _dip(dip: domain.Dip) -> pb.RevenueDip:
    return pb.RevenueDip(
        sku=dip.sku, fill=dip.fill, next_fill=dip.next_fill, revenue=dip.revenue, next_revenue=dip.next_revenue
    )
