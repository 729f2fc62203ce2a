"""Plays a team with all that can happen to one: waitlist, sponsors, leaders, parts given back, defaults, the end."""

from datetime import timedelta
from uuid import uuid4

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from tests.support.teams import LEADER, MEMBER, MEMBERS, TeamLife, price_table

WAITING = types_pb2.SEAT_STATE_WAITING
HELD = types_pb2.SEAT_STATE_HELD
CONFIRMED = types_pb2.SEAT_STATE_CONFIRMED
RELEASED = types_pb2.SEAT_STATE_RELEASED
DEFAULTED = types_pb2.SEAT_STATE_DEFAULTED
FORMED = types_pb2.TEAM_STATE_FORMED
FAILED = types_pb2.TEAM_STATE_FAILED
CANCELLED = types_pb2.TEAM_STATE_CANCELLED
EXPIRED = types_pb2.RELEASE_REASON_EXPIRED
LEFT = types_pb2.RELEASE_REASON_LEFT
TEAM_ENDED = types_pb2.RELEASE_REASON_TEAM_ENDED
PRICE_CHANGED = types_pb2.RELEASE_REASON_PRICE_CHANGED
WITHDRAWN = types_pb2.RELEASE_REASON_WITHDRAWN

_COUNTED = {WAITING: "waiting", HELD: "held", CONFIRMED: "confirmed"}


def leaders_pay_less(table: ladder_pb2.PriceTable, off: int) -> ladder_pb2.PriceTable:
    """Take an amount off each price of the leader, minor units, but for the list price."""
    for row in table.rows:
        for step in row.steps[1:] if row.role == LEADER else ():
            step.unit_price = max(0, step.unit_price - off)
            step.discount.fixed_price = step.unit_price
    return table


class FullLife(TeamLife):
    """One team; each method tells one event and returns it. A sponsored seat goes by the name that `sponsor` gives."""

    formed_fill = 0

    def members(self, *states: types_pb2.SeatState.ValueType, sponsored: bool = False) -> list[str]:
        """Name who has a seat in one of these states, in the order they came."""
        return [name for name, seat in self._seats.items() if seat.state in states and seat.sponsored is sponsored]

    @property
    def is_open(self) -> bool:
        """Whether the team has not ended."""
        return self.state in {types_pb2.TEAM_STATE_FORMING, types_pb2.TEAM_STATE_TIPPED}

    def wait(self, member: str, sku: str = "mango", quantity: int = 1) -> events_pb2.TeamEvent:
        """Wait for room: no cap yet."""
        seat = self._new(member, sku, quantity, WAITING)
        self._count_in(seat)
        return self._tell("seat_waitlisted", events_pb2.SeatWaitlisted(seat=seat))

    def take_turn(self, member: str) -> events_pb2.TeamEvent:
        """Come from the waitlist to a hold, with the cap of now."""
        seat = self._seats[member]
        self._count_in(seat, -1)
        seat.state = HELD
        seat.cap_fill = self.fill + (1 if self.table.basis == MEMBERS else seat.quantity)
        seat.cap.CopyFrom(self._minor(self.price(seat.cap_fill, seat.sku, seat.role)))
        seat.cap_tally_seq = self.tally[0]
        self._count_in(seat)
        return self._tell("seat_held", events_pb2.SeatHeld(seat=seat, from_waitlist=True))

    def release(self, member: str, reason: types_pb2.ReleaseReason.ValueType) -> events_pb2.TeamEvent:
        """Give a seat back, for any reason."""
        seat = self._seats[member]
        previous = seat.state
        self._count_in(seat, -1)
        seat.state, seat.release_reason = RELEASED, reason
        return self._tell("seat_released", events_pb2.SeatReleased(seat=seat, previous_state=previous))

    def leave(self, member: str) -> events_pb2.TeamEvent:
        """Give a waiting, held or confirmed seat back."""
        return self.release(member, LEFT)

    def withdraw(self, member: str) -> events_pb2.TeamEvent:
        """Give a seat of a formed team back."""
        return self.release(member, WITHDRAWN)

    def reduce(self, member: str, units: int) -> events_pb2.TeamEvent:
        """Give a part of a seat back."""
        seat = self._seats[member]
        self._count_in(seat, -1)
        seat.quantity -= units
        self._count_in(seat)
        fact = events_pb2.SeatReduced(seat=seat, units=units, after_formed=self.state == FORMED)
        return self._tell("seat_reduced", fact)

    def extend(self, member: str) -> events_pb2.TeamEvent:
        """Extend a hold."""
        self._seats[member].hold_extended = True
        return self._tell("hold_extended", events_pb2.HoldExtended(seat=self._seats[member]))

    def default(self, member: str) -> events_pb2.TeamEvent:
        """Say that a confirmed seat's money did not come."""
        seat = self._seats[member]
        self._count_in(seat, -1)
        seat.state = DEFAULTED
        fact = events_pb2.SeatDefaulted(seat=seat, reason="card declined", after_formed=self.state == FORMED)
        return self._tell("seat_defaulted", fact)

    def sponsor(self, name: str, sku: str = "mango") -> events_pb2.TeamEvent:
        """Fill a place for the platform."""
        seat = self._new(name, sku, 1, CONFIRMED)
        seat.member_id, seat.sponsored = "", True
        self._count_in(seat)
        return self._tell("seat_sponsored", events_pb2.SeatSponsored(seat=seat))

    def lead(self, member: str | None) -> events_pb2.TeamEvent:
        """Have a confirmed member lead from now on, or nobody."""
        if member is None:
            return self._tell("leader_changed", events_pb2.LeaderChanged())
        self._seats[member].role = LEADER
        return self._tell("leader_changed", events_pb2.LeaderChanged(seat=self._seats[member]))

    def reschedule(self) -> events_pb2.TeamEvent:
        """Move the team's end."""
        self.ends_at += timedelta(hours=1)
        fact = events_pb2.TeamRescheduled()
        fact.ends_at.FromDatetime(self.ends_at)
        return self._tell("team_rescheduled", fact)

    def fill_place(self, member: str) -> events_pb2.TeamEvent:
        """Give a place of the formed team to a member who waits still, confirmed at the final price."""
        seat = self._seats[member]
        self._count_in(seat, -1)
        seat.state, seat.cap_fill = CONFIRMED, self.formed_fill
        seat.cap.CopyFrom(self._minor(self.price(seat.cap_fill, seat.sku, seat.role)))
        self._count_in(seat)
        amount = self._minor(seat.cap.minor_units * seat.quantity)
        return self._tell("seat_confirmed", events_pb2.SeatConfirmed(seat=seat, amount=amount, from_waitlist=True))

    def form(self, *, waitlist_stays: bool = False) -> events_pb2.TeamEvent:
        """End at or above the minimum: who waits is released by this event, or goes on waiting."""
        self.formed_fill = self.fill
        if waitlist_stays:
            return super().form()
        self.totals.waiting_members = self.totals.waiting_units = 0
        self._release_all(types_pb2.RELEASE_REASON_TEAM_ENDED, WAITING)
        return super().form()

    def fail(self) -> events_pb2.TeamEvent:
        """End below the minimum: who waits or is confirmed is released by this event."""
        self._release_all(types_pb2.RELEASE_REASON_TEAM_ENDED, WAITING)
        return super().fail()

    def cancel(self) -> events_pb2.TeamEvent:
        """Give the team up, after it formed too: every live seat is released by this event."""
        fact = events_pb2.TeamCancelled(totals_at_end=self.totals, reason="sold out", after_formed=self.state == FORMED)
        self.totals = types_pb2.Totals()
        self.state = CANCELLED
        if fact.after_formed:
            self._release_all(types_pb2.RELEASE_REASON_TEAM_ENDED, WAITING)
        self._release_all(types_pb2.RELEASE_REASON_TEAM_CANCELLED, WAITING, HELD, CONFIRMED)
        return self._tell("team_cancelled", fact)

    def cancel_seats(self) -> events_pb2.TeamEvent:
        """Release every confirmed seat of a formed team that fell below its minimum; the team stays formed."""
        fact = events_pb2.TeamCancelled(totals_at_end=self.totals, after_formed=True, below_minimum=True)
        self.totals = types_pb2.Totals()
        self._release_all(types_pb2.RELEASE_REASON_TEAM_CANCELLED, CONFIRMED)
        self._release_all(types_pb2.RELEASE_REASON_TEAM_ENDED, WAITING)
        return self._tell("team_cancelled", fact)

    def _new(self, name: str, sku: str, quantity: int, state: types_pb2.SeatState.ValueType) -> types_pb2.Seat:
        self._seats[name] = types_pb2.Seat(
            seat_id=ids.opaque("seat", self.campaign, uuid4()),
            team_id=self.team_id,
            member_id=name,
            sku=sku,
            quantity=quantity,
            role=MEMBER,
            state=state,
        )
        return self._seats[name]

    def _count_in(self, seat: types_pb2.Seat, sign: int = 1) -> None:
        kinds = [_COUNTED[seat.state], *(["sponsored"] if seat.sponsored else [])]
        for kind in kinds:
            for what, number in (("members", 1), ("units", seat.quantity)):
                name = f"{kind}_{what}"
                setattr(self.totals, name, getattr(self.totals, name) + sign * number)

    def _release_all(self, reason: types_pb2.ReleaseReason.ValueType, *states: types_pb2.SeatState.ValueType) -> None:
        for seat in self._seats.values():
            if seat.state in states:
                seat.state, seat.release_reason = RELEASED, reason

    def _minor(self, minor_units: int) -> Money:
        return Money(minor_units=minor_units, currency=self.currency)


def a_full_life(**more: object) -> FullLife:
    """Begin a team of up to 100 whose leader pays less."""
    given: dict[str, object] = {"table": leaders_pay_less(price_table(), 200), "maximum": 100}
    return FullLife(**given | more)  # type: ignore[arg-type]
