"""What a quote promises one member: the most a unit costs, and with a coupon a price of its own at every fill."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.pricing.domain.own_price import Coupon, CouponOrder, OwnStep, own_price, own_row
from services.pricing.domain.price import Basis, PriceTable, Role


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise for one item and role; prices in minor units. Without a coupon there are no steps."""

    role: Role
    cap: int
    cap_fill: int
    """Confirmed fill at which the cap was read, with the seat added."""
    steps: tuple[OwnStep, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A promise to one member, for one use until a time; without a team it is for opening one."""

    quote_id: UUID
    platform_id: UUID
    campaign_id: UUID
    team_id: UUID | None
    member_id: str
    sku: str
    quantity: int
    promise: Promise
    currency: str
    ladder_version: int
    tally_seq: int
    coupon: Coupon | None
    code: str
    """The platform's own name of the coupon."""
    order: CouponOrder
    issued_at: datetime
    expires_at: datetime


def promise(
    table: PriceTable, sku: str, role: Role, quantity: int, confirmed: int, coupon: Coupon | None, order: CouponOrder
) -> Promise:
    """Promise the price at the confirmed fill with the seat added; KeyError where the table has no such row."""
    row = table.row(sku, role)
    if row is None:
        raise KeyError((sku, role))
    fill = confirmed + (1 if table.basis is Basis.TEAM_MEMBERS else quantity)
    steps = own_row(row, coupon, order, row.floor_price) if coupon else ()
    cap = own_price(steps, fill).unit_price if steps else row.at(fill).unit_price
    return Promise(role, cap, fill, steps)
