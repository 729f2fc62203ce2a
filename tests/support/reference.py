"""A second calculator of prices and settlements, written apart from the engine: fractions, tuples, no shared code.

It is slow and obvious on purpose. A ladder is (basis, list prices by item, tiers, floors by item); a tier is
(threshold, discounts); a discount is (item or "", role or "", kind, value). A history is what happened to one team, in
order: see `books`. Who was quoted a price before joining has its promise, and with a coupon a price of its own at
every fill.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import NamedTuple, TypeAlias

Discount: TypeAlias = tuple[str, str, str, int]
Tier: TypeAlias = tuple[int, Sequence[Discount]]


class Ladder(NamedTuple):
    """How the price falls; money in minor units."""

    basis: str
    list_prices: dict[str, int]
    tiers: Sequence[Tier]
    floors: dict[str, int]
    """What no coupon takes the price of an item below; an item without one is not named."""


class Coupon(NamedTuple):
    """What one member gets off each unit: `amount_off` in minor units or `basis_points_off`."""

    kind: str
    value: int
    before_tier: bool


class Happened(NamedTuple):
    """One thing that happened: to a seat, or to the team (seat 0)."""

    what: str
    seat: int = 0
    sku: str = ""
    role: str = ""
    units: int = 0
    amount: int = 0
    coupon: Coupon | None = None


def price(ladder: Ladder, sku: str, role: str, fill: int) -> int:
    """Tell what one unit costs at a fill: of the tiers reached, the last that says anything for the item and role."""
    return _rounded(_tier_off(ladder, sku, role, fill, Fraction(ladder.list_prices[sku])))


def own_price(ladder: Ladder, sku: str, role: str, coupon: Coupon, fill: int) -> int:
    """Tell what one unit costs with a coupon: the least of what it has cost at this fill or any that is smaller.

    At each of them the coupon is taken off the tier's price, or the tier off the coupon's; rounded, it is not below
    the item's floor or zero, and not above the price without a coupon.
    """
    listed, least = Fraction(ladder.list_prices[sku]), max(0, ladder.floors.get(sku, 0))
    reached = [0, *(threshold for threshold, _ in ladder.tiers if threshold <= fill)]
    prices = []
    for at in reached:
        if coupon.before_tier:
            exact = _tier_off(ladder, sku, role, at, _less(listed, coupon.kind, coupon.value))
        else:
            exact = _less(_tier_off(ladder, sku, role, at, listed), coupon.kind, coupon.value)
        prices.append(min(price(ladder, sku, role, at), max(least, _rounded(exact))))
    return min(prices)


def _tier_off(ladder: Ladder, sku: str, role: str, fill: int, start: Fraction) -> Fraction:
    """Take the tier that holds at a fill off a price; a fixed price makes nothing dearer."""
    holds = None
    for threshold, discounts in ladder.tiers:
        if threshold <= fill:
            holds = _for(discounts, sku, role) or holds
    return start if holds is None else min(start, _less(start, *holds))


def _rounded(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def _for(discounts: Sequence[Discount], sku: str, role: str) -> tuple[str, int] | None:
    for wanted in ((sku, role), (sku, ""), ("", role), ("", "")):
        for named, who, kind, value in discounts:
            if (named, who) == wanted:
                return kind, value
    return None


def _less(listed: Fraction, kind: str, value: int) -> Fraction:
    if kind == "fixed_price":
        return Fraction(value)
    if kind == "amount_off":
        return listed - value
    return listed * (1 - Fraction(value, 10_000))


@dataclass
class Seat:
    """One seat in the books; money in minor units."""

    sku: str
    role: str
    units: int
    cap: int = 0
    state: str = "held"
    coupon: Coupon | None = None
    """What its own price is made with."""
    charged: int = 0
    """What it pays by what is settled so far."""
    brought: int = 0
    """What was paid or authorised for what is settled so far."""


@dataclass
class Books:
    """A team's books."""

    ladder: Ladder
    mode: str
    seats: dict[int, Seat] = field(default_factory=dict)
    quotes: dict[int, tuple[int, Coupon | None]] = field(default_factory=dict)
    """What was promised before a seat was taken: the cap, and the coupon that the price is made with."""
    formed_at: int | None = None
    """The fill at which it formed."""
    ended: bool = False

    def fill(self) -> int:
        """Count what is confirmed."""
        confirmed = [seat for seat in self.seats.values() if seat.state == "confirmed"]
        return sum(seat.units for seat in confirmed) if self.ladder.basis == "units" else len(confirmed)

    def pays(self, number: int) -> int:
        """Tell what one unit of a seat costs now, never more than its cap; nothing where it is gone."""
        seat = self.seats[number]
        if seat.state not in {"held", "confirmed"}:
            return 0
        return min(seat.cap, self.price_of(seat, self.fill_that_counts()))

    def price_of(self, seat: Seat, fill: int) -> int:
        """Tell what one unit costs a seat at a fill, whatever its cap is."""
        if seat.coupon:
            return own_price(self.ladder, seat.sku, seat.role, seat.coupon, fill)
        return price(self.ladder, seat.sku, seat.role, fill)

    def fill_with(self, units: int) -> int:
        """Count what is confirmed, and a seat of so many units that is to come."""
        return self.fill() + (units if self.ladder.basis == "units" else 1)

    def fill_that_counts(self) -> int:
        """Give the fill that prices are read at: as it was when the team formed."""
        return self.fill() if self.formed_at is None else self.formed_at

    @property
    def moves_money(self) -> bool:
        """Whether money was paid or authorised with a confirmation."""
        return self.mode in {"HOLD", "PREPAID"}


def books(ladder: Ladder, mode: str, history: Iterable[Happened]) -> Books:
    """Keep the books of a history from its beginning."""
    kept = Books(ladder, mode)
    for item in history:
        _ENTRIES[item.what](kept, item)
    return kept


def _quoted(kept: Books, item: Happened) -> None:
    seat = Seat(item.sku, item.role, item.units, coupon=item.coupon)
    kept.quotes[item.seat] = kept.price_of(seat, kept.fill_with(item.units)), item.coupon


def _held(kept: Books, item: Happened) -> None:
    promised, coupon = kept.quotes.get(item.seat, (None, None))
    seat = Seat(item.sku, item.role, item.units, coupon=coupon)
    now = kept.price_of(seat, kept.fill_with(item.units))
    seat.cap = now if promised is None else min(now, promised)
    kept.seats[item.seat] = seat


def _confirmed(kept: Books, item: Happened) -> None:
    kept.seats[item.seat].state = "confirmed"


def _left(kept: Books, item: Happened) -> None:
    seat = kept.seats[item.seat]
    if seat.state == "confirmed":
        _take_out(kept, item.seat, seat.units, came=True)
    seat.state = "gone"


def _defaulted(kept: Books, item: Happened) -> None:
    _take_out(kept, item.seat, kept.seats[item.seat].units, came=kept.mode != "PREPAID")
    kept.seats[item.seat].state = "gone"


def _reduced(kept: Books, item: Happened) -> None:
    seat = kept.seats[item.seat]
    if seat.state == "confirmed":
        _take_out(kept, item.seat, item.units, came=True)
    seat.units -= item.units


def _take_out(kept: Books, number: int, units: int, *, came: bool) -> None:
    """Take units of a confirmed seat out of the books; `came` says whether their money had."""
    seat = kept.seats[number]
    money = seat.cap * units if kept.moves_money else 0
    if kept.formed_at is None:
        seat.brought += money if came else 0
        return
    seat.charged -= kept.pays(number) * units
    seat.brought -= 0 if came else money


def _formed(kept: Books, _item: Happened) -> None:
    kept.formed_at, kept.ended = kept.fill(), True
    for number, seat in kept.seats.items():
        if seat.state == "confirmed":
            seat.charged = kept.pays(number) * seat.units
            seat.brought += seat.cap * seat.units if kept.moves_money else 0


def _over(kept: Books, _item: Happened) -> None:
    """The team failed or was cancelled: everything goes back."""
    for seat in kept.seats.values():
        if seat.state == "confirmed":
            seat.charged = 0
            seat.brought += seat.cap * seat.units if kept.moves_money and kept.formed_at is None else 0
        seat.state = "gone"
    kept.ended = True


_ENTRIES = {
    "quoted": _quoted,
    "held": _held,
    "confirmed": _confirmed,
    "left": _left,
    "defaulted": _defaulted,
    "reduced": _reduced,
    "formed": _formed,
    "failed": _over,
    "cancelled": _over,
}
