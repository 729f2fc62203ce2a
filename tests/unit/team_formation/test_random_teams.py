"""Any sequence of commands on a team, against a model that only knows who sits where: both agree after every step."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.team_formation import domain
from services.team_formation.domain import CountedIn, LeaveUntil, Outcome, PaymentMode, Refusal, SeatState, TeamState
from tests.support.formation import LADDER, START, a_campaign

MEMBERS = ("mei", "tom", "lin", "kim")
HOLD, LIFE = timedelta(minutes=10), timedelta(hours=1)


@dataclass
class Chair:
    """What the model knows of one seat."""

    member: str
    quantity: int
    until: Any
    state: str = "held"
    payments: list[str] = field(default_factory=list)
    """References that went to the seat itself first, then those that came too late."""
    late: set[str] = field(default_factory=set)


class RandomTeam(RuleBasedStateMachine):
    """A team under random commands; each is preceded by bringing it up to date, as a batch does."""

    @initialize(
        mode=st.sampled_from(PaymentMode),
        counted_in=st.sampled_from(CountedIn),
        leave=st.sampled_from(LeaveUntil),
        minimum=st.integers(1, 3),
        more=st.integers(0, 3),
        closes=st.booleans(),
    )
    def open(
        self, mode: PaymentMode, counted_in: CountedIn, leave: LeaveUntil, minimum: int, more: int, *, closes: bool
    ) -> None:
        self.campaign = a_campaign(
            payment_mode=mode,
            counted_in=counted_in,
            leave_until=leave,
            minimum=minimum,
            maximum=minimum + more,
            close_when_full=closes,
        )
        self.terms, self.law, self.now = self.campaign.terms, self.campaign.terms.rules, START
        self.seats: dict[UUID, domain.Seat] = {}
        self.chairs: dict[UUID, Chair] = {}
        self.ends, self.version, self.formed = 0, 0, False
        opened = domain.open_team(self.campaign, domain.Open(uuid4(), self.wanted("mei", 1)), self.now)
        assert isinstance(opened, domain.Decision)
        self.enter(opened)
        self.sit(opened, "mei", 1)

    @rule(seconds=st.sampled_from([0, 1, 240, 599, 600, 1800]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(member=st.sampled_from(MEMBERS), quantity=st.integers(0, 4))
    def join(self, member: str, quantity: int) -> None:
        self.up_to_date()
        live = next((seat for seat in self.seats.values() if seat.member_id == member and seat.state.is_live), None)
        decision = domain.join_team(self.team, self.terms, live, self.wanted(member, quantity), self.now)
        told = decision.outcome.reason if isinstance(decision.outcome, Refusal) else decision.outcome
        assert told == self.join_expected(member, quantity)
        self.enter(decision)
        if told == Outcome.SEAT:
            self.sit(decision, member, quantity)

    def join_expected(self, member: str, quantity: int) -> str:
        if self.over:
            return "TEAM_ENDED"
        if any(chair.member == member and chair.state in {"held", "confirmed"} for chair in self.chairs.values()):
            return "ALREADY_IN_TEAM"
        if not 1 <= quantity <= self.law.max_units_per_seat:
            return "QUANTITY_OUT_OF_RANGE"
        return Outcome.SEAT if self.room(quantity) else "TEAM_FULL"

    @precondition(lambda self: self.chairs)
    @rule(data=st.data(), reference=st.sampled_from(["", "a", "b"]))
    def confirm(self, data: Any, reference: str) -> None:
        self.up_to_date()
        seat = self.seats[data.draw(st.sampled_from(list(self.chairs)))]
        chair = self.chairs[seat.seat_id]
        live = next((s for s in self.seats.values() if s.member_id == seat.member_id and s.state.is_live), None)
        command = domain.Confirm(seat.cap * seat.quantity, "EUR", reference)
        decision = domain.confirm_seat(self.team, self.terms, seat, live, sorted(chair.late), command, self.now)
        told = decision.outcome.reason if isinstance(decision.outcome, Refusal) else str(decision.outcome)
        assert told == self.confirm_expected(chair, reference)
        if told == "CONFIRMED" and chair.state != "confirmed":
            chair.state, chair.payments = "confirmed", [reference]
        if told == "REFUND_REQUIRED":
            chair.late.add(reference)
        self.enter(decision)
        full = self.law.close_when_full and self.fill("confirmed") >= self.law.maximum
        self.formed = self.formed or (told == "CONFIRMED" and full)

    def confirm_expected(self, chair: Chair, reference: str) -> str:  # noqa: PLR0911 - one for each answer
        money = self.law.payment_mode in {PaymentMode.HOLD, PaymentMode.PREPAID}
        if money and not reference:
            return "PAYMENT_REFERENCE_MISSING"
        if reference and reference in chair.late:
            return "REFUND_REQUIRED"
        known = not money or reference in chair.payments
        if chair.state == "confirmed":
            return "CONFIRMED" if known else "REFUND_REQUIRED"
        again = any(
            other.member == chair.member and other.state in {"held", "confirmed"} for other in self.others(chair)
        )
        revived = chair.state == "expired" and not again and self.room(chair.quantity)
        if not self.over and (chair.state == "held" or revived):
            return "CONFIRMED"
        if not known:
            return "REFUND_REQUIRED"
        if self.over:
            return "TEAM_ENDED"
        return "HOLD_EXPIRED" if chair.state == "expired" else "SEAT_RELEASED"

    @precondition(lambda self: self.chairs)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        self.up_to_date()
        seat = self.seats[data.draw(st.sampled_from(list(self.chairs)))]
        chair = self.chairs[seat.seat_id]
        decision = domain.leave_team(self.team, self.terms, seat, self.now)
        told = decision.outcome.reason if isinstance(decision.outcome, Refusal) else decision.outcome
        assert told == self.leave_expected(chair)
        if told == Outcome.LEFT:
            chair.state = "left"
        self.enter(decision)

    def leave_expected(self, chair: Chair) -> str:
        if self.over:
            return "TEAM_ENDED"
        if chair.state not in {"held", "confirmed"}:
            return "SEAT_RELEASED"
        tipped = self.fill("confirmed") >= self.law.minimum
        until = self.law.leave_until
        closed = until is LeaveUntil.NEVER or (until is LeaveUntil.TIPPED and tipped)
        return "LEAVE_CLOSED" if chair.state == "confirmed" and closed else Outcome.LEFT

    @rule()
    def up_to_date(self) -> None:
        held = sorted(
            (seat for seat in self.seats.values() if seat.state is SeatState.HELD), key=lambda seat: seat.hold_until
        )
        for chair in self.chairs.values():
            if chair.state == "held" and chair.until <= self.now:
                chair.state = "expired"
        if not self.over_before and self.now >= START + LIFE:
            self.formed = self.fill("confirmed") >= self.law.minimum
            if not self.formed:
                for chair in self.chairs.values():
                    chair.state = "failed" if chair.state == "confirmed" else chair.state
        self.enter(domain.bring_up_to_date(self.team, self.terms, held, self.now))

    @invariant()
    def both_agree(self) -> None:
        team, totals = self.team, self.team.totals
        sitting = [chair for chair in self.chairs.values() if chair.state == "confirmed"]
        held = [chair for chair in self.chairs.values() if chair.state == "held"]
        assert (totals.confirmed_members, totals.held_members) == (len(sitting), len(held))
        assert totals.confirmed_units == sum(chair.quantity for chair in sitting)
        assert totals.held_units == sum(chair.quantity for chair in held)
        assert totals.taken(self.law.counted_in) <= self.law.maximum
        assert team.version == self.version
        assert self.ends == (0 if team.state.is_open else 1)
        if team.state.is_open:
            assert (team.state is TeamState.TIPPED) == (self.fill("confirmed") >= self.law.minimum)
            assert team.due_at <= min([team.ends_at, *(chair.until for chair in held)])
        else:
            assert not held
            assert (team.state is TeamState.FORMED) == self.formed

    @property
    def over_before(self) -> bool:
        return not self.team.state.is_open

    @property
    def over(self) -> bool:
        return self.over_before or self.now >= START + LIFE

    def wanted(self, member: str, quantity: int) -> domain.Join:
        return domain.Join(uuid4(), member, "mango", quantity)

    def sit(self, decision: domain.Decision, member: str, quantity: int) -> None:
        seat = decision.seat
        assert seat
        until = min(self.now + HOLD, START + LIFE)
        fill = self.fill("confirmed", basis=True) + 1
        assert (seat.hold_until, seat.cap_fill) == (until, fill)
        assert seat.cap == next(price for at, price in sorted(LADDER.items(), reverse=True) if at <= fill)
        self.chairs[seat.seat_id] = Chair(member, quantity, until)

    def enter(self, decision: domain.Decision) -> None:
        for fact in decision.facts:
            self.version += 1
            assert fact.team.version == self.version
            self.ends += fact.kind in {domain.FactKind.TEAM_FORMED, domain.FactKind.TEAM_FAILED}
        self.team = decision.team
        self.seats |= {seat.seat_id: seat for seat in decision.seats}
        if decision.all_released:
            for seat in list(self.seats.values()):
                if seat.state is SeatState.CONFIRMED:
                    failed = domain.ReleaseReason.TEAM_FAILED
                    self.seats[seat.seat_id] = replace(seat, state=SeatState.RELEASED, release_reason=failed)

    def fill(self, *states: str, basis: bool = False) -> int:
        units = self.law.counted_in is CountedIn.UNITS and not basis
        return sum(chair.quantity if units else 1 for chair in self.chairs.values() if chair.state in states)

    def room(self, quantity: int) -> bool:
        one = quantity if self.law.counted_in is CountedIn.UNITS else 1
        return self.fill("held", "confirmed") + one <= self.law.maximum

    def others(self, chair: Chair) -> list[Chair]:
        return [other for other in self.chairs.values() if other is not chair]


TestRandomTeam = RandomTeam.TestCase
TestRandomTeam.settings = settings(max_examples=150, stateful_step_count=40, derandomize=True, deadline=None)
