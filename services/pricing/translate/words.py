"""Money, ids, times, ladders and price tables, in protobuf and in the domain's values."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from babel.numbers import is_currency
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.money.v1 import money_pb2
from groupbuy.pricing.v1 import ladder_pb2

from services.chassis import ids
from services.pricing import domain

PLATFORM, CAMPAIGN, TEAM, SEAT = "plat", "camp", "team", "seat"

ROLES: dict[domain.Role, ladder_pb2.Role.ValueType] = {
    domain.Role.LEADER: ladder_pb2.ROLE_LEADER,
    domain.Role.MEMBER: ladder_pb2.ROLE_MEMBER,
}
BASES: dict[domain.Basis, ladder_pb2.Basis.ValueType] = {
    domain.Basis.TEAM_MEMBERS: ladder_pb2.BASIS_TEAM_MEMBERS,
    domain.Basis.TEAM_UNITS: ladder_pb2.BASIS_TEAM_UNITS,
    domain.Basis.CAMPAIGN_UNITS: ladder_pb2.BASIS_CAMPAIGN_UNITS,
}
REFERENCE_KINDS: dict[domain.ReferenceKind, ladder_pb2.ReferenceKind.ValueType] = {
    domain.ReferenceKind.LIST: ladder_pb2.REFERENCE_KIND_LIST,
    domain.ReferenceKind.LOWEST_OF_30_DAYS: ladder_pb2.REFERENCE_KIND_LOWEST_OF_30_DAYS,
}
READ_REFERENCE_KINDS = {code: kind for kind, code in REFERENCE_KINDS.items()}
COUPON_ORDERS: dict[domain.CouponOrder, ladder_pb2.CouponOrder.ValueType] = {
    domain.CouponOrder.AFTER_TIER: ladder_pb2.COUPON_ORDER_AFTER_TIER,
    domain.CouponOrder.BEFORE_TIER: ladder_pb2.COUPON_ORDER_BEFORE_TIER,
}
READ_COUPON_ORDERS = {code: order for order, code in COUPON_ORDERS.items()} | {
    ladder_pb2.COUPON_ORDER_UNSPECIFIED: domain.CouponOrder.AFTER_TIER  # a campaign of 0.1.0
}
READ_ROLES = {code: role for role, code in ROLES.items()}
READ_BASES = {code: basis for basis, code in BASES.items()}


def money(minor_units: int, currency: str) -> money_pb2.Money:
    """Make an amount."""
    return money_pb2.Money(minor_units=minor_units, currency=currency)


def event_time(at: datetime) -> Timestamp:
    """Make a timestamp."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def team_id(campaign: UUID, team: UUID) -> str:
    """Write a team's id."""
    return ids.opaque(TEAM, campaign, team)


def seat_id(campaign: UUID, seat: UUID) -> str:
    """Write a seat's id."""
    return ids.opaque(SEAT, campaign, seat)


def known_currency(code: str) -> bool:
    """Tell whether a code is in CLDR's list of ISO 4217 currencies."""
    return is_currency(code)


def read_list_prices(
    messages: Iterable[ladder_pb2.ListPrice],
) -> tuple[domain.ListPrice, ...]:
    """Read list prices."""
    return tuple(domain.ListPrice(item.sku, item.unit_price, item.floor_price) for item in messages)


def read_references(messages: Iterable[ladder_pb2.ReferencePrice]) -> tuple[domain.ReferencePrice, ...]:
    """Read reference prices; the kind is None where it is not said or not known."""
    return tuple(
        domain.ReferencePrice(item.sku, item.unit_price, READ_REFERENCE_KINDS.get(item.kind)) for item in messages
    )


def references(values: Iterable[domain.ReferencePrice]) -> list[ladder_pb2.ReferencePrice]:
    """Write reference prices."""
    return [
        ladder_pb2.ReferencePrice(
            sku=item.sku,
            unit_price=item.unit_price,
            kind=REFERENCE_KINDS[item.kind] if item.kind else ladder_pb2.REFERENCE_KIND_UNSPECIFIED,
        )
        for item in values
    ]


def read_ladder(message: ladder_pb2.Ladder) -> tuple[domain.Ladder, tuple[domain.Problem, ...]]:
    """Read a ladder, and list the roles in it that do not exist."""
    problems = tuple(
        domain.Problem(f"ladder.tiers[{i}].discounts[{j}].role", f"there is no role {discount.role}")
        for i, tier in enumerate(message.tiers)
        for j, discount in enumerate(tier.discounts)
        if discount.role and discount.role not in READ_ROLES
    )
    tiers = tuple(domain.Tier(tier.threshold, tuple(map(_read_discount, tier.discounts))) for tier in message.tiers)
    return domain.Ladder(READ_BASES.get(message.basis), tiers), problems


def _read_discount(message: ladder_pb2.Discount) -> domain.Discount:
    kind = message.WhichOneof("kind")
    if kind is None:
        return domain.Discount(None, 0, message.sku, READ_ROLES.get(message.role))
    return domain.Discount(domain.DiscountKind(kind), getattr(message, kind), message.sku, READ_ROLES.get(message.role))


def discount(value: domain.Discount) -> ladder_pb2.Discount:
    """Write a discount."""
    message = ladder_pb2.Discount(sku=value.sku, role=ROLES[value.role] if value.role else ladder_pb2.ROLE_UNSPECIFIED)
    if value.kind:
        setattr(message, value.kind, value.value)
    return message


def price_step(value: domain.PriceStep) -> ladder_pb2.PriceStep:
    """Write a step of a price table."""
    return ladder_pb2.PriceStep(
        threshold=value.threshold,
        unit_price=value.unit_price,
        tier=value.tier,
        discount=discount(value.discount) if value.discount else None,
    )


def own_steps(steps: Iterable[domain.OwnStep]) -> list[ladder_pb2.OwnStep]:
    """Write an own price row."""
    return [ladder_pb2.OwnStep(threshold=step.threshold, unit_price=step.unit_price) for step in steps]


def price_table(table: domain.PriceTable) -> ladder_pb2.PriceTable:
    """Write a price table."""
    return ladder_pb2.PriceTable(
        currency=table.currency,
        basis=BASES[table.basis],
        ladder_version=table.ladder_version,
        rows=map(price_row, table.rows),
        references=references(table.references),
    )


def price_row(row: domain.PriceRow) -> ladder_pb2.PriceRow:
    """Write all prices of one item and role."""
    return ladder_pb2.PriceRow(
        sku=row.sku, role=ROLES[row.role], steps=map(price_step, row.steps), floor_price=row.floor_price
    )


def read_price_table(message: ladder_pb2.PriceTable) -> domain.PriceTable:
    """Read a price table; KeyError where its basis or a role is not said."""
    rows = tuple(
        domain.PriceRow(row.sku, READ_ROLES[row.role], tuple(map(_read_step, row.steps)), row.floor_price)
        for row in message.rows
    )
    shown = read_references(message.references)
    return domain.PriceTable(message.currency, READ_BASES[message.basis], message.ladder_version, rows, shown)


def _read_step(message: ladder_pb2.PriceStep) -> domain.PriceStep:
    taken = _read_discount(message.discount) if message.HasField("discount") else None
    return domain.PriceStep(message.threshold, message.unit_price, message.tier, taken)
