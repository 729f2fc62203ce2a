"""Computes every charge again from a team's stored events alone, with plain integer arithmetic.

Written from design.md, independently of the services: fill = confirmed seats (or units); cap = price at the confirmed
fill with the seat added; charge = the lower of cap and the price at the fill at the end; the rest goes back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from groupbuy.pricing.v1.events_pb2 import SettlementCause, SettlementLine
from groupbuy.pricing.v1.ladder_pb2 import Basis, PriceTable
from groupbuy.team_formation.v1.events_pb2 import TeamEvent
from groupbuy.team_formation.v1.types_pb2 import PaymentMode, ReleaseReason, Seat, SeatState

from deploy.demo.money import money, plain

_UP_FRONT = (PaymentMode.PAYMENT_MODE_PREPAID, PaymentMode.PAYMENT_MODE_HOLD)


@dataclass(frozen=True, slots=True)
class Owed:
    """What one seat owes for one cause, minor units: `given` was paid or authorised before, `back` goes back."""

    seat_id: str
    cause: int
    unit_price: int
    given: int
    kept: int
    back: int
    due: int

    @property
    def moves(self) -> bool:
        """Whether any money is kept, goes back or is due."""
        return bool(self.kept or self.back or self.due)

    @classmethod
    def of_line(cls, line: SettlementLine) -> "Owed":
        """Read it from a settlement line of pricing."""
        return cls(
            seat_id=line.seat_id,
            cause=line.cause,
            unit_price=line.unit_price.minor_units,
            given=line.paid.minor_units + line.authorised.minor_units,
            kept=line.to_keep.minor_units + line.to_capture.minor_units,
            back=line.to_refund.minor_units + line.to_void.minor_units,
            due=line.due.minor_units,
        )


@dataclass
class Recomputed:
    """What came out: the lines, and where the events themselves contradict the arithmetic."""

    owed: list[Owed] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    final_fill: int = 0


def recompute(events: Iterable[TeamEvent]) -> Recomputed:
    """Play a team's events from its opening to its end; ValueError where one is missing."""
    play = _Play()
    for number, event in enumerate(sorted(events, key=lambda event: event.sequence), 1):
        if event.sequence != number:
            raise ValueError(f"version {number} of {event.team_id} is missing")
        play.on(event)
    play.result.final_fill = play.fill
    return play.result


class _Play:
    """The state while a team's events are played."""

    def __init__(self) -> None:
        self.result = Recomputed()
        self.fill = 0
        self._table = PriceTable()
        self._up_front = False
        self._caps: dict[str, int] = {}
        self._confirmed: dict[str, Seat] = {}

    def on(self, event: TeamEvent) -> None:
        """Play one event."""
        match event.WhichOneof("fact"):
            case "team_opened":
                self._table = event.team_opened.price_table
                self._up_front = event.team_opened.rules.payment_mode in _UP_FRONT
            case "seat_held":
                self._on_held(event.seat_held.seat)
            case "seat_confirmed":
                self._on_confirmed(event.seat_confirmed.seat, event.seat_confirmed.amount.minor_units)
            case "seat_released":
                self._on_released(event.seat_released.seat, event.seat_released.previous_state)
            case "late_payment_reported":
                late = event.late_payment_reported
                self._all_back(late.seat, SettlementCause.SETTLEMENT_CAUSE_LATE_PAYMENT, late.amount.minor_units)
            case "team_formed":
                self._on_formed()
            case "team_failed":
                for seat in self._confirmed.values():
                    self._all_back(seat, SettlementCause.SETTLEMENT_CAUSE_TEAM_FAILED)
                self._confirmed.clear()
                self.fill = 0
        self._compare_totals(event)

    def _on_held(self, seat: Seat) -> None:
        self._caps[seat.seat_id] = cap = price_at(self._table, seat, self.fill + self._weight(seat))
        if seat.cap.minor_units != cap:
            self.result.wrong.append(f"{seat.seat_id}: cap {seat.cap.minor_units} in the event, {cap} by its fill")

    def _on_confirmed(self, seat: Seat, amount: int) -> None:
        self._confirmed[seat.seat_id] = seat
        self.fill += self._weight(seat)
        if amount != self._caps[seat.seat_id] * seat.quantity:
            self.result.wrong.append(f"{seat.seat_id}: {amount} confirmed, which is not cap times quantity")

    def _on_released(self, seat: Seat, before: int) -> None:
        if before != SeatState.SEAT_STATE_CONFIRMED:
            return
        del self._confirmed[seat.seat_id]
        self.fill -= self._weight(seat)
        if seat.release_reason == ReleaseReason.RELEASE_REASON_LEFT:
            self._all_back(seat, SettlementCause.SETTLEMENT_CAUSE_SEAT_LEFT)

    def _on_formed(self) -> None:
        for seat in self._confirmed.values():
            cap = self._caps[seat.seat_id]
            unit = min(cap, price_at(self._table, seat, self.fill))
            charge, given = unit * seat.quantity, cap * seat.quantity if self._up_front else 0
            kept, due = (charge, 0) if self._up_front else (0, charge)
            cause = SettlementCause.SETTLEMENT_CAUSE_TEAM_FORMED
            self.result.owed.append(Owed(seat.seat_id, cause, unit, given, kept, given - kept, due))

    def _all_back(self, seat: Seat, cause: int, amount: int | None = None) -> None:
        given = self._caps[seat.seat_id] * seat.quantity if amount is None else amount
        if self._up_front:
            self.result.owed.append(Owed(seat.seat_id, cause, 0, given, 0, given, 0))

    def _weight(self, seat: Seat) -> int:
        return seat.quantity if self._table.basis == Basis.BASIS_TEAM_UNITS else 1

    def _compare_totals(self, event: TeamEvent) -> None:
        units = self._table.basis == Basis.BASIS_TEAM_UNITS
        said = event.totals.confirmed_units if units else event.totals.confirmed_members
        if said != self.fill:
            self.result.wrong.append(f"version {event.sequence}: fill {said} in the event, {self.fill} by counting")


def price_at(table: PriceTable, seat: Seat, fill: int) -> int:
    """Read the unit price of a seat's item and role at a fill: the last step whose threshold is reached."""
    row = next(row for row in table.rows if (row.sku, row.role) == (seat.sku, seat.role))
    return next(step.unit_price for step in reversed(row.steps) if step.threshold <= fill)


def differences(recomputed: Recomputed, lines: Sequence[SettlementLine]) -> list[str]:
    """List where the arithmetic and pricing's settlement differ; what moves no money may have a line or none."""
    ours = Counter(owed for owed in recomputed.owed if owed.moves)
    theirs = Counter(owed for line in lines if (owed := Owed.of_line(line)).moves)
    missing = [f"{owed.seat_id}: computed, and not in GetSettlement: {owed}" for owed in (ours - theirs).elements()]
    extra = [f"{owed.seat_id}: in GetSettlement, and not computed: {owed}" for owed in (theirs - ours).elements()]
    return [*recomputed.wrong, *missing, *extra]


def in_words(events: Sequence[TeamEvent], owed: Owed, name: str) -> list[str]:
    """Show how one charge follows from the events, line by line."""
    opened = next(event.team_opened for event in events if event.WhichOneof("fact") == "team_opened")
    table, currency = opened.price_table, opened.price_table.currency
    held = next(
        event
        for event in events
        if event.WhichOneof("fact") == "seat_held" and event.seat_held.seat.seat_id == owed.seat_id
    )
    seat, end = held.seat_held.seat, recompute(events).final_fill
    cap, at_end = price_at(table, seat, seat.cap_fill), price_at(table, seat, end)
    taken = f"with it the fill was {seat.cap_fill}, so the cap is {plain(cap, currency)}"
    charged = f"charged the lower one, {plain(owed.unit_price, currency)} x {seat.quantity}"
    given, kept = plain(owed.given, currency), plain(owed.kept, currency)
    return [
        f"{name} took the seat at version {held.sequence}: {taken}",
        f"the team ended with fill {end}: price {plain(at_end, currency)}; {charged}",
        f"given {given} - charged {kept} = back {money(owed.back, currency)}",
    ]
