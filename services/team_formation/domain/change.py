"""A team while a command is played on it: each fact raises its version by one and keeps the team as it stood."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.team_formation.domain.campaign import CountedIn
from services.team_formation.domain.payment_terms import PaymentTerms
from services.team_formation.domain.prices import Basis, Role
from services.team_formation.domain.team import (
    Around,
    Decision,
    Fact,
    FactKind,
    Outcome,
    Refusal,
    ReleaseReason,
    Seat,
    SeatState,
    Team,
    TeamState,
    Totals,
    waitlist_stays,
)

_NOTHING: Mapping[str, Any] = {}


class Change:
    """What a command does to a team, fact by fact."""

    __slots__ = ("again", "around", "facts", "left", "now", "released", "rules", "seats", "team")

    def __init__(self, team: Team, around: Around) -> None:
        self.team = team
        self.around = around
        self.now = around.now
        self.rules = around.terms.rules
        self.left = dict(around.left) if around.left else {}
        self.seats: dict[UUID, Seat] = {}
        self.facts: list[Fact] = []
        self.released: tuple[tuple[SeatState, ReleaseReason], ...] = ()
        self.again = False
        """Something is left to do for which not all rows were at hand: the team has to be looked at again at once."""

    def tell(
        self, kind: FactKind, seat: Seat | None = None, *, team: dict[str, Any] | None = None, **more: Any
    ) -> None:
        """Count a fact as the team's next version; `team` are the team's fields that change with it."""
        self.team = replace(self.team, version=self.team.version + 1, **(team or {}))
        self.facts.append(Fact(kind, self.team, self.now, seat, **more))

    def move(self, kind: FactKind, before: SeatState | None, after: Seat, **more: Any) -> None:
        """Put a seat from one state into another and tell it."""
        totals = self.team.totals.moved(before, after.state, after.quantity)
        if after.sku in self.left:
            took, takes = before is not None and before.takes_room, after.state.takes_room
            self.left[after.sku] += (took - takes) * after.quantity
        self.seats[after.seat_id] = after
        self.team = self.team.after_seat(totals, self._due(after))
        self.facts.append(Fact(kind, self.team, self.now, after, **more))

    def release(self, seat: Seat, reason: ReleaseReason, **more: Any) -> Seat:
        """Give a seat back."""
        after = replace(
            seat, state=SeatState.RELEASED, released_at=self.now, updated_at=self.now, release_reason=reason
        )
        self.move(FactKind.SEAT_RELEASED, seat.state, after, previous_state=seat.state, **more)
        return after

    def end(self, kind: FactKind, state: TeamState, *released: tuple[SeatState, ReleaseReason], **more: Any) -> None:
        """End the team; all its seats of the states given are released by this one fact."""
        before = self.team.totals
        kept = before if state is TeamState.FORMED else Totals()
        stays = self.stays if state is TeamState.FORMED and before.waiting_members else None
        totals = before if stays else replace(kept, waiting_members=0, waiting_units=0)
        counts = {
            SeatState.CONFIRMED: before.confirmed_members,
            SeatState.HELD: before.held_members,
            SeatState.WAITING: before.waiting_members,
        }
        self.released = tuple((of, reason) for of, reason in released if counts[of] and not stays)
        changed: dict[str, Any] = {"state": state, "ended_at": self.now, "totals": totals}
        if state is TeamState.FORMED:
            changed["formed_fill"] = self._formed_fill(before)
        if stays:
            changed["due_at"] = stays.waits_until(self.now)
        self.tell(kind, team=changed, totals_before=before, **more)

    def _formed_fill(self, totals: Totals) -> int | None:
        """Tell what final prices are read at; of campaign basis, the next tally says so."""
        basis = self.around.terms.price_table.basis
        return None if basis is Basis.CAMPAIGN_UNITS else totals.ladder_fill(basis)

    def cancel_seats(self, reason: str) -> None:
        """Release every confirmed seat of a formed team by one fact; the team's state, end and prices stay."""
        before = self.team.totals
        self.released = ((SeatState.CONFIRMED, ReleaseReason.TEAM_CANCELLED),)
        if before.waiting_members:
            self.released += ((SeatState.WAITING, ReleaseReason.TEAM_ENDED),)
        cancelled: dict[str, Any] = {"totals_before": before, "reason": reason}
        self.tell(
            FactKind.TEAM_CANCELLED, team={"totals": Totals()}, after_formed=True, below_minimum=True, **cancelled
        )

    @property
    def stays(self) -> PaymentTerms | None:
        """The payment terms, where who waits when the team forms goes on waiting."""
        return waitlist_stays(self.rules)

    def lead(self, seat: Seat | None) -> None:
        """Have a confirmed seat lead from now on, or nobody."""
        previous = self.team.leader_seat_id
        if seat:
            seat = replace(seat, role=Role.LEADER, updated_at=self.now)
            self.seats[seat.seat_id] = seat
        leader = seat.seat_id if seat else None
        self.tell(FactKind.LEADER_CHANGED, seat, team={"leader_seat_id": leader}, previous_seat_id=previous)

    def fits(self, quantity: int) -> bool:
        """Tell whether so many units more fit into the team."""
        rules = self.rules
        more = 1 if rules.counted_in is CountedIn.MEMBERS else quantity
        return self.team.totals.taken(rules.counted_in) + more <= rules.maximum

    def has_left(self, sku: str, quantity: int) -> bool:
        """Tell whether so many units of an item are left."""
        return self.left.get(sku, quantity) >= quantity

    def confirmed_fill(self) -> int:
        """Tell the confirmed fill, in what minimum and maximum are counted in."""
        return self.team.totals.confirmed(self.rules.counted_in)

    def note(self, **fields: Any) -> None:
        """Change what no event tells of: when the team is due, where its late comers go."""
        self.team = replace(self.team, **fields)

    def done(self, outcome: Outcome | Refusal, seat: Seat | None = None) -> Decision:
        """Say what came of it; the seat as it stands in the end."""
        if self.again:
            self.note(due_at=min(self.now, self.team.due_at))
        if seat:
            seat = self.seats.get(seat.seat_id, seat)
        return Decision(self.team, tuple(self.seats.values()), tuple(self.facts), outcome, seat, self.released)

    def _due(self, seat: Seat) -> datetime:
        held = seat.state is SeatState.HELD
        return min(self.team.due_at, seat.hold_until) if held else self.team.due_at


def ended(team: Team, now: datetime) -> Refusal | None:
    """Refuse from the end on, also while holds of a big team are still being released: nothing is taken after it."""
    if team.state.is_open and now < team.ends_at:
        return None
    return Refusal("TEAM_ENDED", {"state": "ENDING" if team.state.is_open else team.state})


def written(at: datetime) -> str:
    """Write a time for a refusal."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
