"""Plays what can happen to a team besides joining, paying and leaving: waitlist, sponsoring, leaders, cancelling.

life = TeamTurns(maximum=2)
life.open("mei")
life.join("tom")
life.wait("ann", quantity=1)      # SeatWaitlisted
life.leave("tom")
life.seat_waiting("ann")          # SeatHeld from the waitlist
"""

from datetime import datetime, timedelta

from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from tests.support.teams import LEADER, MEMBER, TeamLife, _time

_COUNTS = {
    types_pb2.SEAT_STATE_HELD: "held",
    types_pb2.SEAT_STATE_CONFIRMED: "confirmed",
    types_pb2.SEAT_STATE_WAITING: "waiting",
}


class TeamTurns(TeamLife):
    """One team; each method tells one event and returns it. Members are named by id."""

    def wait(self, member: str, quantity: int = 1) -> events_pb2.TeamEvent:
        """Wait for room; the cap is not fixed yet, and nothing is kept."""
        seat = self._new_seat(member, quantity, types_pb2.SEAT_STATE_WAITING)
        self._seats[member] = seat
        self._add(seat.state, quantity)
        return self._tell("seat_waitlisted", events_pb2.SeatWaitlisted(seat=seat))

    def seat_waiting(self, member: str) -> events_pb2.TeamEvent:
        """Give a member who waits a seat."""
        seat = self._turn(member, types_pb2.SEAT_STATE_HELD)
        seat.cap.CopyFrom(Money(minor_units=self.price(self.fill + 1), currency=self.currency))
        seat.hold_until.CopyFrom(_time(self.now + timedelta(minutes=15)))
        return self._tell("seat_held", events_pb2.SeatHeld(seat=seat, from_waitlist=True))

    def release(
        self, member: str, reason: types_pb2.ReleaseReason.ValueType = types_pb2.RELEASE_REASON_LEFT
    ) -> events_pb2.TeamEvent:
        """Give a member's seat back, for whatever reason, in whatever state."""
        previous = self.seat(member).state
        seat = self._turn(member, types_pb2.SEAT_STATE_RELEASED)
        seat.release_reason = reason
        return self._tell("seat_released", events_pb2.SeatReleased(seat=seat, previous_state=previous))

    def reduce(self, member: str, units: int) -> events_pb2.TeamEvent:
        """Give some of a seat's units back."""
        seat = self.seat(member)
        seat.quantity -= units
        self._add(seat.state, -units, members=0)
        after_formed = self.state == types_pb2.TEAM_STATE_FORMED
        return self._tell("seat_reduced", events_pb2.SeatReduced(seat=seat, units=units, after_formed=after_formed))

    def extend(self, member: str) -> events_pb2.TeamEvent:
        """Extend a hold."""
        seat = self.seat(member)
        seat.hold_until.CopyFrom(_time(self.now + timedelta(minutes=30)))
        seat.hold_extended = True
        return self._tell("hold_extended", events_pb2.HoldExtended(seat=seat))

    def default(self, member: str, reason: str = "") -> events_pb2.TeamEvent:
        """Report that the money of a confirmed seat did not come."""
        seat = self._turn(member, types_pb2.SEAT_STATE_DEFAULTED)
        after_formed = self.state == types_pb2.TEAM_STATE_FORMED
        return self._tell(
            "seat_defaulted", events_pb2.SeatDefaulted(seat=seat, reason=reason, after_formed=after_formed)
        )

    def sponsor(self) -> events_pb2.TeamEvent:
        """Have the platform fill a place; `seat("")` is the last of them."""
        seat = self._new_seat("", 1, types_pb2.SEAT_STATE_CONFIRMED)
        seat.sponsored = True
        self._seats[""] = seat
        self._add(seat.state, 1)
        self.totals.sponsored_members += 1
        self.totals.sponsored_units += 1
        return self._tell("seat_sponsored", events_pb2.SeatSponsored(seat=seat))

    def lead(self, member: str | None, previous: str) -> events_pb2.TeamEvent:
        """Have a confirmed member lead instead of another, or nobody."""
        changed = events_pb2.LeaderChanged(previous_seat_id=self.seat(previous).seat_id)
        if member:
            self.seat(member).role = LEADER
            changed.seat.CopyFrom(self.seat(member))
        return self._tell("leader_changed", changed)

    def cancel(self, reason: str = "") -> events_pb2.TeamEvent:
        """Give the team up: every live seat is released by this event."""
        fact = events_pb2.TeamCancelled(
            totals_at_end=self.totals, reason=reason, after_formed=self.state == types_pb2.TEAM_STATE_FORMED
        )
        self.state = types_pb2.TEAM_STATE_CANCELLED
        self.totals = types_pb2.Totals()
        for seat in self._seats.values():
            if seat.state in _COUNTS:
                seat.state = types_pb2.SEAT_STATE_RELEASED
                seat.release_reason = types_pb2.RELEASE_REASON_TEAM_CANCELLED
        return self._tell("team_cancelled", fact)

    def cancel_seats(self) -> events_pb2.TeamEvent:
        """Release every confirmed seat of a formed team that fell below its minimum; the team stays formed."""
        fact = events_pb2.TeamCancelled(totals_at_end=self.totals, after_formed=True, below_minimum=True)
        self.totals = types_pb2.Totals()
        for seat in self._seats.values():
            if seat.state == types_pb2.SEAT_STATE_CONFIRMED:
                seat.state = types_pb2.SEAT_STATE_RELEASED
                seat.release_reason = types_pb2.RELEASE_REASON_TEAM_CANCELLED
        return self._tell("team_cancelled", fact)

    def reschedule(self, ends_at: datetime) -> events_pb2.TeamEvent:
        """Move the team's end."""
        self.ends_at = ends_at
        return self._tell("team_rescheduled", events_pb2.TeamRescheduled(ends_at=_time(ends_at)))

    def form(self, *, waitlist_stays: bool = False) -> events_pb2.TeamEvent:
        """End at or above the minimum; who waits is released by this event, or goes on waiting."""
        if not waitlist_stays:
            self._end_waiting()
        return super().form()

    def fill_place(self, member: str) -> events_pb2.TeamEvent:
        """Give a place of the formed team to a member who waits, confirmed at the final price."""
        seat = self._turn(member, types_pb2.SEAT_STATE_CONFIRMED)
        seat.cap.CopyFrom(Money(minor_units=self.price(self.fill), currency=self.currency))
        return self._tell("seat_confirmed", events_pb2.SeatConfirmed(seat=seat, amount=seat.cap, from_waitlist=True))

    def fail(self) -> events_pb2.TeamEvent:
        """End below the minimum; who waits is released by this event, too."""
        self._end_waiting()
        return super().fail()

    def _end_waiting(self) -> None:
        for seat in self._seats.values():
            if seat.state == types_pb2.SEAT_STATE_WAITING:
                seat.state = types_pb2.SEAT_STATE_RELEASED
                seat.release_reason = types_pb2.RELEASE_REASON_TEAM_ENDED
        self.totals.waiting_members = self.totals.waiting_units = 0

    def _new_seat(self, member: str, quantity: int, state: types_pb2.SeatState.ValueType) -> types_pb2.Seat:
        return types_pb2.Seat(
            seat_id=ids.opaque("seat", self.campaign, ids.new_id()),
            team_id=self.team_id,
            member_id=member,
            sku="mango",
            quantity=quantity,
            role=MEMBER,
            state=state,
        )

    def _turn(self, member: str, state: types_pb2.SeatState.ValueType) -> types_pb2.Seat:
        seat = self.seat(member)
        self._add(seat.state, -seat.quantity, members=-1)
        seat.state = state
        self._add(state, seat.quantity)
        return seat

    def _add(self, state: types_pb2.SeatState.ValueType, units: int, *, members: int = 1) -> None:
        if name := _COUNTS.get(state):
            for field, change in ((f"{name}_members", members), (f"{name}_units", units)):
                setattr(self.totals, field, getattr(self.totals, field) + change)
