"""A second calculator of prices and settlements, written apart from the engine: fractions, tuples, no shared code.

It is slow and obvious on purpose. A ladder is (basis, list prices by item, tiers); a tier is (threshold, discounts); a
discount is (item or "", role or "", kind, value). A history is what happened to one team, in order: see `books`.
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


class Happened(NamedTuple):
    """One thing that happened: to a seat, or to the team (seat 0)."""

    what: str
    seat: int = 0
    sku: str = ""
    role: str = ""
    units: int = 0
    amount: int = 0


def price(ladder: Ladder, sku: str, role: str, fill: int) -> int:
    """Tell what one unit costs at a fill: of the tiers reached, the last that says anything for the item and role."""
    listed = Fraction(ladder.list_prices[sku])
    now = listed
    for threshold, discounts in ladder.tiers:
        if threshold <= fill and (found := _for(discounts, sku, role)):
            now = _less(listed, *found)
    return floor(now + Fraction(1, 2))


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
        return min(seat.cap, price(self.ladder, seat.sku, seat.role, self.fill_that_counts()))

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


def _held(kept: Books, item: Happened) -> None:
    seat = Seat(item.sku, item.role, item.units)
    fill = kept.fill() + (item.units if kept.ladder.basis == "units" else 1)
    seat.cap = price(kept.ladder, item.sku, item.role, fill)
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
    "held": _held,
    "confirmed": _confirmed,
    "left": _left,
    "defaulted": _defaulted,
    "reduced": _reduced,
    "formed": _formed,
    "failed": _over,
    "cancelled": _over,
}
