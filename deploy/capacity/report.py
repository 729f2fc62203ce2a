"""What a plan says to people, and to programs."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from deploy.capacity.figures import Figures
from deploy.capacity.model import BUSY, DAY, Plan, Wanted

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_ROUNDED_UP = 999.5
"""What is written as 1000 with three digits has the next unit."""


def lines(wanted: Wanted, plan: Plan, figures: Figures) -> Iterator[str]:
    """Give the report line by line."""
    per_day = wanted.joins_per_s * wanted.day * DAY
    yield (
        f"{wanted.joins_per_s:,.0f} joins a second at the busiest time, {per_day:,.0f} a day,"
        f" {plan.messages_per_s:,.0f} messages a second; {wanted.hot:.0%} of joins in one campaign"
    )
    yield ""
    yield "replicas"
    yield from (f"  {part.name:<24}{part.replicas:>5}   {part.by}" for part in plan.parts)
    yield ""
    yield f"partitions of each topic  {plan.partitions}"
    yield f"Kafka                     {size(plan.kafka_in)}/s in, {size(plan.kafka_out)}/s out,"
    yield f"                          {size(plan.kafka_kept)} kept in {wanted.copies} copies"
    for service, count in plan.connections.items():
        yield (
            f"PostgreSQL, {service:<15}{plan.database_cores[service]:6.1f} cores, {count} connections of"
            f" {wanted.max_connections}, {size(plan.growth[service])} a day for good,"
            f" {size(plan.steady[service])} that comes and goes"
        )
    yield f"outboxes                  {size(plan.outbox)}"
    yield f"known members             {size(plan.known)}"
    yield f"write-ahead log           {size(plan.log)}/s"
    if plan.pooler:
        yield "connections               too many: a pooler before PostgreSQL, GROUPBUY_DATABASE_DIRECT_URL past it"
    yield ""
    yield "what would be too small next"
    for limit in plan.limits:
        yield f"  {limit.joins_per_s:>9,.0f} joins a second   {mark(limit.joins_per_s, wanted)}{limit.what}:"
        yield f"  {'':>27}{limit.remedy}"
    yield ""
    yield "assumed"
    yield f"  a process or core does at most {BUSY:.0%} of what it can; an update starts one more process of each part"
    for name, source in figures.sources.items():
        origin = f"{source.command} at {source.commit}" if source.command else "assumed"
        yield f"  {name:<10}{origin}: {source.note}"


def mark(joins_per_s: float, wanted: Wanted) -> str:
    """Say of a limit whether the wish is beyond it."""
    return "NOT ENOUGH: " if joins_per_s < wanted.joins_per_s else ""


def document(wanted: Wanted, plan: Plan) -> dict[str, Any]:
    """Give the same as data."""
    return {"wanted": dataclasses.asdict(wanted), "plan": dataclasses.asdict(plan)}


def size(count: float) -> str:
    """Write bytes with three digits and a unit of thousands."""
    for unit in _UNITS:
        if count < _ROUNDED_UP or unit == _UNITS[-1]:
            return f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError("the last unit takes whatever is left")
