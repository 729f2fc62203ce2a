"""Answers SimulateLadder: reads what is assumed, compiles the ladder, goes through its fills. Nothing is stored."""

from collections.abc import Iterator

from groupbuy.pricing.v1 import simulation_pb2

from services.chassis.errors import FieldViolation, Rejected
from services.pricing import domain, translate
from services.pricing.rpc.ladders import compiled


def simulate_ladder(request: simulation_pb2.SimulateLadderRequest) -> simulation_pb2.SimulateLadderResponse:
    """Simulate a ladder; Rejected LADDER_INVALID, or INVALID_ARGUMENT by the field of what is assumed."""
    table = compiled(request.currency, request.list_prices, request.ladder, 1)
    problems = tuple(_problems(request, len(request.list_prices)))
    if problems:
        raise Rejected("INVALID_ARGUMENT", fields=problems)
    assumed = domain.Assumed(
        request.max_fill,
        request.units_per_seat or 1,
        request.minimum or 1,
        request.max_sponsored,
        {cost.sku: cost.unit_cost for cost in request.unit_costs},
    )
    return translate.simulated(domain.simulate(table, assumed), table)


def _problems(request: simulation_pb2.SimulateLadderRequest, items: int) -> Iterator[FieldViolation]:
    most = min(domain.MOST_FILL, domain.MOST_RESULTS // items)
    if not 1 <= request.max_fill <= most:
        yield FieldViolation("max_fill", f"must be 1 to {most} with {items} items; simulate fewer items for more fills")
    if not 0 <= request.units_per_seat <= domain.MOST_UNITS:
        yield FieldViolation("units_per_seat", f"must be 1 to {domain.MOST_UNITS}, or 0, which means 1")
    if not 0 <= request.minimum <= max(request.max_fill, 0):
        yield FieldViolation("minimum", "must be 1 to max_fill, or 0, which means 1")
    if not 0 <= request.max_sponsored <= domain.MOST_UNITS:
        yield FieldViolation("max_sponsored", f"must be 0 to {domain.MOST_UNITS}")
    skus = {item.sku for item in request.list_prices}
    seen: set[str] = set()
    for n, cost in enumerate(request.unit_costs):
        if cost.sku not in skus or cost.sku in seen:
            what = "has a cost already" if cost.sku in seen else "is none of the items"
            yield FieldViolation(f"unit_costs[{n}].sku", f"{cost.sku or 'empty'} {what}; name each item once at most")
        seen.add(cost.sku)
        if not 0 <= cost.unit_cost <= domain.MOST_MINOR_UNITS:
            yield FieldViolation(f"unit_costs[{n}].unit_cost", f"must be 0 to {domain.MOST_MINOR_UNITS} minor units")
