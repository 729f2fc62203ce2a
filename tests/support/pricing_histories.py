"""Random histories of a team with every fact, and what each seat finally owes, computed from the events alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from tests.support.pricing_lives import (
    CONFIRMED,
    DEFAULTED,
    EXPIRED,
    FORMED,
    HELD,
    PRICE_CHANGED,
    RELEASED,
    TEAM_ENDED,
    WAITING,
    FullLife,
)
from tests.support.teams import COMMIT, HOLD, MEMBER, PREPAID

_Move = Callable[[], object]


def play(life: FullLife, numbers: Sequence[tuple[int, int]]) -> None:
    """Open a team and make one move for each pair of numbers: which of the moves possible now, and by whom."""
    life.open("m0", quantity=3)
    for turn, (pick, who) in enumerate(numbers):
        possible = _open_moves(life, turn, who) if life.is_open else _later_moves(life, turn, who)
        if possible:
            possible[pick % len(possible)]()


def _open_moves(life: FullLife, turn: int, who: int) -> list[_Move]:
    held, waiting, confirmed = life.members(HELD), life.members(WAITING), life.members(CONFIRMED)
    gone = life.members(RELEASED)
    expired = [name for name in gone if life.seat(name).release_reason == EXPIRED]
    quantity = who % 3 + 1
    moves: list[_Move] = [
        partial(life.hold, f"m{turn + 1}", quantity=quantity),
        partial(life.hold, f"m{turn + 1}", quantity=quantity),
        partial(life.wait, f"m{turn + 1}", quantity=quantity),
        partial(life.sponsor, f"s{turn + 1}"),
        life.reschedule,
        life.untip if life.state == types_pb2.TEAM_STATE_TIPPED else life.tip,
    ]
    moves += [partial(life.confirm, _one(held, who))] * 5 if held else []
    moves += [partial(life.release, _one(held, who), EXPIRED), partial(life.extend, _one(held, who))] if held else []
    moves += [partial(life.confirm, _one(expired, who))] if expired else []
    moves += [partial(life.take_turn, waiting[0]), partial(life.release, waiting[0], PRICE_CHANGED)] if waiting else []
    moves += [partial(life.default, _one(confirmed, who))] if confirmed else []
    live = held + waiting + confirmed
    moves += [partial(life.leave, _one(live, who))] if live else []
    moves += _reductions(life, live, who) + _late(life, turn, who) + _successions(life, confirmed)
    moves += (
        [
            partial(_end, life, _forming(life) if life.totals.confirmed_members else life.fail),
            partial(_end, life, life.fail),
            life.cancel,
        ]
        if turn > 10
        else []
    )
    return moves


def _forming(life: FullLife) -> _Move:
    """Form a team; one in which nobody is confirmed is below every minimum, and never does."""
    return partial(life.form, waitlist_stays=_fills_places(life))


def _fills_places(life: FullLife) -> bool:
    """Tell whether places of the formed team go to who waits: not where the whole campaign fills the ladder."""
    return life.payment_mode == COMMIT and life.table.basis != ladder_pb2.BASIS_CAMPAIGN_UNITS


def _later_moves(life: FullLife, turn: int, who: int) -> list[_Move]:
    moves = _late(life, turn, who)
    if life.state != FORMED:
        return moves
    confirmed, waiting = life.members(CONFIRMED), life.members(WAITING)
    if waiting:
        first = waiting[0]
        moves += [partial(life.fill_place, first)] * 2
        moves += [partial(life.leave, first), partial(life.release, first, TEAM_ENDED)]
    if confirmed:
        one = _one(confirmed, who)
        moves += [partial(life.withdraw, one), partial(life.default, one), life.cancel]
    return moves + _reductions(life, confirmed + waiting, who) * 2


def _reductions(life: FullLife, live: Sequence[str], who: int) -> list[_Move]:
    large = [name for name in live if life.seat(name).quantity > 1]
    return [partial(life.reduce, _one(large, who), 1)] if large else []


def _late(life: FullLife, turn: int, who: int) -> list[_Move]:
    """Money that comes for a seat that is gone, or comes once more."""
    able = [name for name in life.members(RELEASED, DEFAULTED, CONFIRMED) if life.seat(name).cap_fill]
    return [partial(life.late, _one(able, who), f"late-{turn}")] if able else []


def _successions(life: FullLife, confirmed: Sequence[str]) -> list[_Move]:
    led = [name for name in life.members(HELD, CONFIRMED) if life.seat(name).role != MEMBER]
    if led:
        return []
    return [partial(life.lead, confirmed[0] if confirmed else None)]


def _end(life: FullLife, end: _Move) -> None:
    """End the team as team_formation does: no hold is left then."""
    for name in life.members(HELD):
        life.release(name, EXPIRED)
    end()


def _one(names: Sequence[str], who: int) -> str:
    return names[who % len(names)]


@dataclass
class Owed:
    """What became of one seat, in minor units; late payments apart."""

    seat: types_pb2.Seat
    confirmed: bool = False
    """Whether it is a paying seat that money was given or promised for."""
    charged: int = 0
    """What it finally pays."""
    brought: int = 0
    """What was paid or authorised for it and is settled: of a payment that did not come, nothing."""
    lines: int = 0
    """How many lines it has, those of late payments too."""
    late: int = 0
    """What came too late."""


class Oracle:
    """Plays a team's events once more and keeps the books by itself."""

    def __init__(self, life: FullLife, final_fill: int | None = None) -> None:
        """Play; where the whole campaign fills the ladder, at the fill that the tally fixed for the team."""
        self.seats: dict[str, Owed] = {}
        self._life = life
        self._prepaid = life.payment_mode == PREPAID
        self._moves = life.payment_mode in {HOLD, PREPAID}
        self._final_fill = final_fill
        self._fill: int | None = None
        """At which the team formed."""
        for event in life.events:
            self._play(event)

    def _play(self, event: events_pb2.TeamEvent) -> None:
        name = event.WhichOneof("fact") or ""
        fact = getattr(event, name)
        if name == "late_payment_reported":
            owed = self._of(fact.seat)
            owed.lines += 1
            owed.late += fact.amount.minor_units if self._moves else 0
        elif name == "team_formed":
            self._form(event.totals)
        elif name in {"team_failed", "team_cancelled"}:
            self._give_all_back()
        elif name in {"seat_released", "seat_reduced", "seat_defaulted"}:
            self._give_back(name, fact)
        elif "seat" in fact.DESCRIPTOR.fields_by_name and fact.HasField("seat"):
            owed = self._of(fact.seat)
            owed.seat.CopyFrom(fact.seat)
            owed.confirmed = owed.confirmed or name == "seat_confirmed"
            if name == "seat_confirmed" and fact.from_waitlist:
                owed.charged = self._price(owed) * owed.seat.quantity
                owed.lines += 1

    def _of(self, seat: types_pb2.Seat) -> Owed:
        if seat.seat_id not in self.seats:
            copy = types_pb2.Seat()
            copy.CopyFrom(seat)
            self.seats[seat.seat_id] = Owed(copy)
        return self.seats[seat.seat_id]

    def _give_back(self, name: str, fact: events_pb2.SeatReduced) -> None:
        owed = self._of(fact.seat)
        units = fact.units if name == "seat_reduced" else owed.seat.quantity
        owed.seat.CopyFrom(fact.seat)
        if not owed.confirmed:
            return
        owed.confirmed = name == "seat_reduced"
        owed.lines += 1
        came = not (name == "seat_defaulted" and self._prepaid)
        money = owed.seat.cap.minor_units * units if self._moves else 0
        if self._fill is None:
            owed.brought += money if came else 0
        else:
            owed.charged -= self._price(owed) * units
            owed.brought -= 0 if came else money

    def _form(self, totals: types_pb2.Totals) -> None:
        units = self._life.table.basis == ladder_pb2.BASIS_TEAM_UNITS
        own = totals.confirmed_units if units else totals.confirmed_members
        self._fill = own if self._final_fill is None else self._final_fill
        for owed in self._confirmed():
            owed.charged = self._price(owed) * owed.seat.quantity
            owed.brought += owed.seat.cap.minor_units * owed.seat.quantity if self._moves else 0

    def _give_all_back(self) -> None:
        for owed in self._confirmed():
            owed.charged = 0
            if self._fill is None and self._moves:
                owed.brought += owed.seat.cap.minor_units * owed.seat.quantity

    def _confirmed(self) -> list[Owed]:
        found = [owed for owed in self.seats.values() if owed.confirmed]
        for owed in found:
            owed.lines += 1
        return found

    def _price(self, owed: Owed) -> int:
        price = self._life.price(self._fill or 0, owed.seat.sku, owed.seat.role)
        return min(owed.seat.cap.minor_units, price)
