"""Computes every charge again from a team's events and the deliveries that the shop reported: plain integer arithmetic.

Written from design.md and docs/settlement.md, independently of the services: fill = confirmed seats (or units),
sponsored ones too; cap = price at the confirmed fill with the seat added; charge = the lower of cap and the price at
the fill at the end; the rest goes back. What is given back after the end, or refused at the door, takes back what was
charged for it, each unit once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from groupbuy.pricing.v1.events_pb2 import SettlementCause, SettlementLine
from groupbuy.pricing.v1.ladder_pb2 import Basis, PriceTable
from groupbuy.team_formation.v1 import events_pb2
from groupbuy.team_formation.v1.events_pb2 import TeamEvent
from groupbuy.team_formation.v1.types_pb2 import PaymentMode, ReleaseReason, Seat, SeatState

from deploy.demo.proof.owed import Owed

_PREPAID = PaymentMode.PAYMENT_MODE_PREPAID
_UP_FRONT = (PaymentMode.PAYMENT_MODE_HOLD, _PREPAID)
_MOVES_NOTHING = ("team_tipped", "team_untipped", "seat_waitlisted", "hold_extended", "team_rescheduled")


@dataclass
class Recomputed:
    """What came out: the lines, and where the events themselves contradict the arithmetic."""

    owed: list[Owed] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    final_fill: int = 0
    """The fill with which the team formed, or its last one."""


@dataclass(frozen=True, slots=True)
class Tallied:
    """What a campaign counted, where all its teams together fill the ladder: units by the tally's number.

    `final` is the tally by which the team's prices were fixed, as its lines say; 0 where it has none.
    """

    units: Mapping[int, int] = field(default_factory=dict)
    final: int = 0


_NOT_TALLIED = Tallied()


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the shop reported of a seat's delivery: so many units were taken, after a version of the team."""

    seat_id: str
    accepted: int
    after_version: int


def recompute(
    events: Iterable[TeamEvent], tallied: Tallied = _NOT_TALLIED, deliveries: Sequence[Delivered] = ()
) -> Recomputed:
    """Play a team's events from its opening to its end, and its deliveries; ValueError where an event is missing."""
    play = _Play(tallied)
    for number, event in enumerate(sorted(events, key=lambda event: event.sequence), 1):
        if event.sequence != number:
            raise ValueError(f"version {number} of {event.team_id} is missing")
        play.on(event)
        for delivery in deliveries:
            if delivery.after_version == number:
                play.on_delivered(delivery)
    if not play.formed:
        play.result.final_fill = play.fill
    return play.result


class _Play:
    """A team as its events tell it."""

    def __init__(self, tallied: Tallied) -> None:
        self.result = Recomputed()
        self._tallied = tallied
        self.fill = 0
        self.formed = False
        self._table = PriceTable()
        self._mode = 0
        self._caps: dict[str, int] = {}
        self._confirmed: dict[str, Seat] = {}
        """Confirmed seats that pay: those of members."""
        self._charged: Counter[str] = Counter()
        """Units of each seat that were charged, and not taken back since."""

    def on(self, event: TeamEvent) -> None:
        """Play one event."""
        name = event.WhichOneof("fact") or "nothing"
        if play := getattr(self, f"_on_{name}", None):
            play(getattr(event, name))
        elif name not in _MOVES_NOTHING:
            self.result.wrong.append(f"version {event.sequence}: {name} is not known to this check")
        self._compare_totals(event)

    def on_delivered(self, delivery: Delivered) -> None:
        """Play a delivery."""
        seat = self._confirmed.get(delivery.seat_id)
        if seat is None or not self.formed:
            self.result.wrong.append(f"{delivery.seat_id}: delivered, and has no confirmed seat")
        elif refused := seat.quantity - delivery.accepted:
            self._taken_back(seat, SettlementCause.SETTLEMENT_CAUSE_DELIVERY_REFUSED, refused)

    def _on_team_opened(self, fact: events_pb2.TeamOpened) -> None:
        self._table, self._mode = fact.price_table, fact.rules.payment_mode

    def _on_seat_held(self, fact: events_pb2.SeatHeld) -> None:
        seat = fact.seat
        self._caps[seat.seat_id] = cap = price_at(self._table, seat, self._begins_at(seat))
        if seat.cap.minor_units != cap:
            self.result.wrong.append(f"{seat.seat_id}: cap {seat.cap.minor_units} in the event, {cap} by its fill")

    def _on_seat_confirmed(self, fact: events_pb2.SeatConfirmed) -> None:
        seat, amount = fact.seat, fact.amount.minor_units
        if fact.from_waitlist:
            self._caps[seat.seat_id] = price_at(self._table, seat, self.result.final_fill)
        self._confirmed[seat.seat_id] = seat
        self.fill += self._weight(seat.quantity)
        if amount != self._caps[seat.seat_id] * seat.quantity:
            self.result.wrong.append(f"{seat.seat_id}: {amount} confirmed, which is not cap times quantity")
        if fact.from_waitlist:
            self._settle(seat)

    def _on_seat_sponsored(self, fact: events_pb2.SeatSponsored) -> None:
        self.fill += self._weight(fact.seat.quantity)

    def _on_leader_changed(self, fact: events_pb2.LeaderChanged) -> None:
        if fact.HasField("seat"):
            self._confirmed[fact.seat.seat_id] = fact.seat

    def _on_seat_released(self, fact: events_pb2.SeatReleased) -> None:
        if fact.previous_state != SeatState.SEAT_STATE_CONFIRMED:
            return
        had, reason = self._gone(fact.seat), fact.seat.release_reason
        if reason == ReleaseReason.RELEASE_REASON_WITHDRAWN:
            self._taken_back(had, SettlementCause.SETTLEMENT_CAUSE_SEAT_WITHDRAWN, had.quantity)
        elif reason == ReleaseReason.RELEASE_REASON_LEFT:
            self._all_back(had, SettlementCause.SETTLEMENT_CAUSE_SEAT_LEFT)

    def _on_seat_reduced(self, fact: events_pb2.SeatReduced) -> None:
        seat, units = fact.seat, fact.units
        had = self._confirmed.get(seat.seat_id)
        if had is None:  # it was held or waited: nothing was paid
            return
        cause = SettlementCause.SETTLEMENT_CAUSE_SEAT_REDUCED
        if self.formed:
            self._taken_back(had, cause, units)
        else:
            self._all_back(had, cause, self._caps[had.seat_id] * units)
        self._confirmed[seat.seat_id] = seat
        if self._table.basis != Basis.BASIS_TEAM_MEMBERS:
            self.fill -= units

    def _on_seat_defaulted(self, fact: events_pb2.SeatDefaulted) -> None:
        had, cause = self._gone(fact.seat), SettlementCause.SETTLEMENT_CAUSE_SEAT_DEFAULTED
        if self.formed:
            self._taken_back(had, cause, had.quantity, came=self._mode != _PREPAID)
        elif self._mode != _PREPAID:  # of a payment that was none nothing goes back
            self._all_back(had, cause)

    def _on_late_payment_reported(self, fact: events_pb2.LatePaymentReported) -> None:
        self._all_back(fact.seat, SettlementCause.SETTLEMENT_CAUSE_LATE_PAYMENT, fact.amount.minor_units)

    def _on_team_formed(self, _fact: events_pb2.TeamFormed) -> None:
        self.formed, self.result.final_fill = True, self._ends_at()
        for seat in self._confirmed.values():
            self._settle(seat)

    def _settle(self, seat: Seat) -> None:
        given, unit = self._caps[seat.seat_id] * seat.quantity, self._final(seat)
        self._charged[seat.seat_id] = seat.quantity
        self._owes(seat, SettlementCause.SETTLEMENT_CAUSE_TEAM_FORMED, unit, given, unit * seat.quantity)

    def _on_team_failed(self, _fact: events_pb2.TeamFailed) -> None:
        self._give_up(SettlementCause.SETTLEMENT_CAUSE_TEAM_FAILED)

    def _on_team_cancelled(self, _fact: events_pb2.TeamCancelled) -> None:
        self._give_up(SettlementCause.SETTLEMENT_CAUSE_TEAM_CANCELLED)

    def _give_up(self, cause: int) -> None:
        for seat in self._confirmed.values():
            if self.formed:
                self._taken_back(seat, cause, seat.quantity)
            else:
                self._all_back(seat, cause)
        self._confirmed.clear()
        self.fill = 0

    def _gone(self, seat: Seat) -> Seat:
        had = self._confirmed.pop(seat.seat_id)
        self.fill -= self._weight(had.quantity)
        return had

    def _final(self, seat: Seat) -> int:
        return min(self._caps[seat.seat_id], price_at(self._table, seat, self.result.final_fill))

    def _all_back(self, seat: Seat, cause: int, amount: int | None = None) -> None:
        self._owes(seat, cause, 0, self._caps[seat.seat_id] * seat.quantity if amount is None else amount, 0)

    def _taken_back(self, seat: Seat, cause: int, units: int, *, came: bool = True) -> None:
        """Take back what was charged; where the money itself never came, also what was to go back of it."""
        unit, units = self._final(seat), min(units, self._charged[seat.seat_id])
        self._charged[seat.seat_id] -= units
        self._owes(seat, cause, unit, 0 if came else -self._caps[seat.seat_id] * units, -unit * units)

    def _owes(self, seat: Seat, cause: int, unit: int, given: int, charged: int) -> None:
        if self._mode in _UP_FRONT:
            self.result.owed.append(Owed(seat.seat_id, cause, unit, given, charged, given - charged, 0))
        elif charged:
            self.result.owed.append(Owed(seat.seat_id, cause, unit, 0, 0, 0, charged))

    def _weight(self, quantity: int) -> int:
        return 1 if self._table.basis == Basis.BASIS_TEAM_MEMBERS else quantity

    def _begins_at(self, seat: Seat) -> int:
        """Tell the fill with a seat added: of the team, or of the campaign at the tally that the seat names."""
        if self._table.basis != Basis.BASIS_CAMPAIGN_UNITS:
            return self.fill + self._weight(seat.quantity)
        return self._tallied.units.get(seat.cap_tally_seq, 0) + seat.quantity

    def _ends_at(self) -> int:
        """Tell the fill of the final prices: the team's, or the campaign's at the tally that fixed them."""
        if self._table.basis != Basis.BASIS_CAMPAIGN_UNITS:
            return self.fill
        return self._tallied.units.get(self._tallied.final, 0)

    def _compare_totals(self, event: TeamEvent) -> None:
        units = self._table.basis != Basis.BASIS_TEAM_MEMBERS
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
