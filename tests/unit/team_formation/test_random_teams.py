"""Any sequence of commands on a team, against a model that only knows who sits where: both agree after every step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.team_formation import domain
from services.team_formation.domain import (
    Basis,
    CountedIn,
    Decision,
    FactKind,
    LeaveUntil,
    Level,
    OnFull,
    PaymentMode,
    Refusal,
    ReleaseReason,
    Seat,
    SeatState,
    TeamState,
    Usage,
)
from tests.support.formation import START, a_campaign
from tests.support.team_model import Chair, TeamModel

MEMBERS = ("mei", "tom", "lin", "kim", "sol")
LIFE = timedelta(hours=1)
MOST_HELD = 2
"""Holds that one look at a team past its end takes."""
LATE = 9
"""The version of the team from which on it may be given up: what comes after that is soon told."""
ENDS = {FactKind.TEAM_FORMED, FactKind.TEAM_FAILED, FactKind.TEAM_CANCELLED}
_STATES = {SeatState.WAITING: "waiting", SeatState.HELD: "held", SeatState.CONFIRMED: "confirmed"}


class RandomTeam(RuleBasedStateMachine):
    """A team under random commands; each is preceded by bringing it up to date, as a batch does."""

    team: domain.Team

    @initialize(
        mode=st.sampled_from(PaymentMode),
        counted_in=st.sampled_from(CountedIn),
        basis=st.sampled_from(Basis),
        leave=st.sampled_from(LeaveUntil),
        on_full=st.sampled_from([OnFull.REFUSE, OnFull.WAITLIST, OnFull.WAITLIST]),
        minimum=st.integers(1, 3),
        more=st.sampled_from([0, 1, 1, 3]),
        options=st.fixed_dictionaries(
            {
                "closes": st.booleans(),
                "stock": st.sampled_from([None, 3, 4, 6]),
                "waiting": st.sampled_from([3, 3, 2, 1, 0]),
                "units": st.sampled_from([0, 0, 3]),
                "teams": st.sampled_from([0, 0, 1]),
                "sponsored": st.integers(0, 3),
                "extension": st.sampled_from([0, 300]),
                "withdraw": st.sampled_from([0, 600]),
                "newcomers": st.sampled_from([False, False, False, True]),
                "fills": st.booleans(),
            }
        ),
    )
    def open(
        self,
        mode: PaymentMode,
        counted_in: CountedIn,
        basis: Basis,
        leave: LeaveUntil,
        on_full: OnFull,
        minimum: int,
        more: int,
        options: dict[str, Any],
    ) -> None:
        fills = options["fills"] and basis is not Basis.CAMPAIGN_UNITS and on_full is OnFull.WAITLIST
        window = timedelta(minutes=1) if fills and mode is PaymentMode.COMMIT else None
        terms = domain.PaymentTerms(window, domain.OnUnpaid.FILL_FROM_WAITLIST) if window else None
        self.campaign = a_campaign(
            payment_mode=mode,
            counted_in=counted_in,
            basis=basis,
            leave_until=leave,
            minimum=minimum,
            maximum=minimum + more,
            close_when_full=options["closes"],
            stock=options["stock"],
            ends_at=START + timedelta(minutes=50),
            latest_end=START + timedelta(hours=2),
            rules={
                "on_full": on_full,
                "max_waiting": options["waiting"],
                "max_units_per_member": options["units"],
                "max_teams_per_member": options["teams"],
                "max_sponsored": options["sponsored"],
                "hold_extension": timedelta(seconds=options["extension"]),
                "leave_after_formed": timedelta(seconds=options["withdraw"]),
                "payment_terms": terms,
                "who_may_join": domain.WhoMayJoin(newcomers_only=options["newcomers"]),
            },
        )
        self.terms, self.law, self.now = self.campaign.terms, self.campaign.terms.rules, START
        self.seats: dict[UUID, Seat] = {}
        self.chairs: dict[UUID, Chair] = {}
        self.ends, self.version, self.formed = 0, 0, False
        self.tally = domain.NO_TALLY
        self.model = TeamModel(self.law, basis, START, START + LIFE, self.campaign.ends_at, options["stock"])
        self.model.fills = window
        command = domain.Open(uuid4(), self.wanted("mei", 1, None, newcomer=True))
        opened = domain.open_team(self.around(), command, Usage())
        assert isinstance(opened, Decision)
        chair = Chair("mei", 1, 0, "")
        self.model.join(chair, newcomer=True)
        self.model.leader = chair
        self.enter(opened, chair)

    @rule(seconds=st.sampled_from([0, 1, 240, 240, 599, 600]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.model.now = self.now

    @rule(
        member=st.sampled_from(MEMBERS),
        quantity=st.sampled_from([1, 1, 1, 2, 3, 0, 4]),
        most=st.sampled_from([None, None, None, 2990, 3490]),
        newcomer=st.sampled_from([True, True, True, False]),
    )
    def join(self, member: str, quantity: int, most: int | None, *, newcomer: bool) -> None:
        self.look()
        live = next((seat for seat in self.seats.values() if seat.member_id == member and seat.state.is_live), None)
        wanted = self.wanted(member, quantity, most, newcomer=newcomer)
        decision = domain.join_team(self.team, self.around(), live, self.usage(member), wanted)
        chair = Chair(member, quantity, len(self.chairs), "", most)
        self.agree(decision, self.model.join(chair, newcomer=newcomer))
        self.enter(decision, chair)

    @rule(crowd=st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, 2990])), min_size=5, max_size=5))
    def everybody_joins(self, crowd: list[tuple[int, int | None]]) -> None:
        """Fill the team and its waitlist: most of what is hard happens then."""
        for member, (quantity, most) in zip(MEMBERS, crowd, strict=True):
            self.join(member, quantity, most, newcomer=True)

    @rule(reference=st.sampled_from(["a", "b"]))
    def everybody_confirms(self, reference: str) -> None:
        for seat_id in list(self.chairs):
            self.confirm_one(seat_id, reference)

    @precondition(lambda self: self.chairs)
    @rule(data=st.data(), reference=st.sampled_from(["", "a", "a", "b"]))
    def confirm(self, data: Any, reference: str) -> None:
        self.confirm_one(data.draw(st.sampled_from(list(self.chairs))), reference)

    def confirm_one(self, seat_id: UUID, reference: str) -> None:
        self.look()
        seat, chair = self.seats[seat_id], self.chairs[seat_id]
        live = next((s for s in self.seats.values() if s.member_id == seat.member_id and s.state.is_live), None)
        command = domain.Confirm(seat.cap * seat.quantity, "EUR", reference)
        usage, late = self.usage(seat.member_id), sorted(chair.late)
        decision = domain.confirm_seat(self.team, self.around(), seat, live, usage, late, command)
        self.agree(decision, self.model.confirm(chair, reference))
        self.enter(decision)

    @precondition(lambda self: self.chairs)
    @rule(data=st.data(), units=st.sampled_from([0, 0, 1, 2, 4]))
    def leave(self, data: Any, units: int) -> None:
        self.look()
        seat, chair = self.drawn(data)
        decision = domain.leave_team(self.team, self.around(), seat, self.heirs(), domain.Leave(units))
        self.agree(decision, self.model.leave(chair, units))
        self.enter(decision)

    @precondition(lambda self: self.chairs)
    @rule(data=st.data())
    def extend(self, data: Any) -> None:
        self.look()
        seat, chair = self.drawn(data)
        decision = domain.extend_hold(self.team, self.around(), seat)
        self.agree(decision, self.model.extend(chair))
        self.enter(decision)

    @precondition(lambda self: self.chairs)
    @rule(data=st.data())
    def default(self, data: Any) -> None:
        self.look()
        seat, chair = self.drawn(data)
        decision = domain.default_seat(self.team, self.around(), seat, self.heirs(), domain.Default("lapsed"))
        self.agree(decision, self.model.default(chair))
        self.enter(decision)

    @rule(places=st.integers(1, 3))
    def sponsor(self, places: int) -> None:
        self.look()
        command = domain.Sponsor(tuple(uuid4() for _ in range(places)), "mango")
        decision = domain.sponsor_team(self.team, self.around(), command)
        first = len(self.chairs)
        chairs = [Chair("", 1, first + n, "confirmed", sponsored=True, confirmed_at=self.now) for n in range(places)]
        self.agree(decision, self.model.sponsor(chairs))
        self.enter(decision, *chairs)

    @precondition(lambda self: self.version > LATE)
    @rule(why=st.sampled_from(["", "recall"]))
    def cancel_team(self, why: str) -> None:
        self.look()
        decision = domain.cancel_team(self.team, self.around(), domain.Cancel(why))
        self.agree(decision, self.model.cancel())
        self.enter(decision)

    @rule(member=st.sampled_from(MEMBERS), units=st.integers(0, 2))
    def buy_elsewhere(self, member: str, units: int) -> None:
        """Other teams of the campaign take from the same stock, and count against the same limits."""
        before = self.model.elsewhere.get(member, 0)
        if units - before <= self.model.left():
            self.model.elsewhere[member] = units

    @precondition(lambda self: self.model.basis is Basis.CAMPAIGN_UNITS)
    @rule(units=st.integers(0, 6))
    def count_campaign(self, units: int) -> None:
        """Pricing counts all the campaign's teams, and its tally is applied."""
        self.model.counted = units
        self.tally = domain.Tally(self.tally.seq + 1, units)
        self.team = replace(self.team, tally=self.tally)

    @rule()
    def pause_or_go_on(self) -> None:
        if self.direct(domain.Resume() if self.model.paused else domain.Pause()):
            self.model.paused = not self.model.paused

    @rule(minutes=st.integers(1, 40))
    def extend_campaign(self, minutes: int) -> None:
        if self.direct(domain.ExtendBy(timedelta(minutes=minutes))):
            self.model.campaign_ends += timedelta(minutes=minutes)

    @rule(units=st.integers(1, 3))
    def release_units(self, units: int) -> None:
        if self.model.stock is not None and self.direct(domain.ReleaseUnits("mango", units)):
            self.model.stock += units

    @precondition(lambda self: self.version > LATE)
    @rule(cancels=st.booleans(), formed_too=st.booleans())
    def end_campaign(self, *, cancels: bool, formed_too: bool) -> None:
        model = self.model
        if cancels and self.direct(domain.GiveUp(formed_too)):
            model.cancelled, model.formed_too = True, formed_too
        elif not cancels and self.direct(domain.CloseIn()):
            model.campaign_ends = min(model.campaign_ends, self.now + timedelta(seconds=60))

    def direct(self, command: domain.CampaignCommand) -> bool:
        """Change the campaign; what is allowed when is told by a table of its own."""
        stock = {} if self.model.stock is None else {"mango": Level(self.model.stock, 0)}
        changed = domain.change_campaign(self.campaign, stock, command, self.now)
        if isinstance(changed, Refusal):
            return False
        self.campaign = changed.campaign
        return True

    @rule()
    def look(self) -> None:
        self.model.look()
        looks = 0
        while domain.is_due(self.team, self.around()) and looks < 20:
            held = [seat for seat in self.seats.values() if seat.state is SeatState.HELD]
            held.sort(key=lambda seat: (seat.hold_until, seat.number))
            most = MOST_HELD if self.model.over else len(held) + 1
            self.enter(
                domain.bring_up_to_date(self.team, self.around(), held[:most], self.heirs(), all_held=len(held) < most)
            )
            looks += 1
            if looks > 1 and not self.model.end:
                break  # who waits for stock or a quantity that fits is looked at each time
        assert self.model.end or self.team.ends_at == self.model.ends
        self.nobody_waits_in_vain()

    def nobody_waits_in_vain(self) -> None:
        model = self.model
        if not (model.end or model.paused or model.cancelled):
            waiting = [chair for chair in model.chairs if chair.state == "waiting"]
            assert not [chair for chair in waiting if model.has_room(chair.quantity) and model.left() >= chair.quantity]

    @invariant()
    def both_agree(self) -> None:
        team, model = self.team, self.model
        for seat_id, chair in self.chairs.items():
            seat = self.seats[seat_id]
            told = seat.release_reason or _STATES.get(seat.state, seat.state.lower())
            assert (told, seat.quantity, seat.cap) == (chair.state, chair.quantity, chair.cap)
            if chair.state == "held":
                assert seat.hold_until == chair.until
        assert team.version == self.version
        assert self.ends == (0 if team.state.is_open else 2 if model.end == "cancelled" and self.formed else 1)
        assert team.leader_seat_id == next((i for i, chair in self.chairs.items() if chair is model.leader), None)
        if model.leader and model.leader.state == "confirmed":
            assert self.seats[team.leader_seat_id or UUID(int=0)].role is domain.Role.LEADER
        if team.state.is_open:
            self.open_team_agrees()
        else:
            assert team.state.lower() == model.end
            assert model.fill("held") == 0
            assert model.fill("waiting") == 0 or (model.fills and model.end == "formed")

    def open_team_agrees(self) -> None:
        team, model = self.team, self.model
        held = [chair.until for chair in model.chairs if chair.state == "held" and chair.until]
        assert not model.end
        assert (team.state is TeamState.TIPPED) == (model.fill("confirmed") >= self.law.minimum)
        assert team.due_at <= min([team.ends_at, *held])
        assert model.leader is None or model.leader.state in {"held", "confirmed"}

    @invariant()
    def nothing_is_oversold(self) -> None:
        model, totals = self.model, self.team.totals
        assert model.fill("held", "confirmed") <= self.law.maximum
        assert model.left() >= 0
        for name in ("waiting", "held", "confirmed"):
            found = [chair for chair in model.chairs if chair.state == name]
            units = sum(chair.quantity for chair in found)
            assert (getattr(totals, f"{name}_members"), getattr(totals, f"{name}_units")) == (len(found), units)
        sponsored = [chair for chair in model.chairs if chair.sponsored and chair.state == "confirmed"]
        assert totals.sponsored_members == totals.sponsored_units == len(sponsored) <= self.law.max_sponsored

    # The domain's side.

    def around(self) -> domain.Around:
        left = {} if self.model.stock is None else {"mango": self._left()}
        return domain.Around(self.campaign, self.terms, self.now, left)

    def _left(self) -> int:
        taken = sum(seat.quantity for seat in self.seats.values() if seat.state.takes_room)
        return (self.model.stock or 0) - taken - sum(self.model.elsewhere.values())

    def usage(self, member: str) -> Usage:
        units = self.model.elsewhere.get(member, 0)
        return Usage(units, teams=int(units > 0))

    def heirs(self) -> domain.Heirs:
        waiting = [seat for seat in self.seats.values() if seat.state is SeatState.WAITING]
        members = [seat for seat in self.seats.values() if seat.state is SeatState.CONFIRMED and not seat.sponsored]
        by_time: Callable[[Seat], Any] = lambda seat: (seat.confirmed_at, seat.number)  # noqa: E731
        return domain.Heirs(sorted(waiting, key=lambda seat: seat.number), sorted(members, key=by_time))

    def drawn(self, data: Any) -> tuple[Seat, Chair]:
        seat_id = data.draw(st.sampled_from(list(self.chairs)))
        return self.seats[seat_id], self.chairs[seat_id]

    def wanted(self, member: str, quantity: int, most: int | None, *, newcomer: bool) -> domain.Join:
        return domain.Join(uuid4(), member, "mango", quantity, most, asserted=domain.Asserted(newcomer))

    def agree(self, decision: Decision, expected: str) -> None:
        told = decision.outcome.reason if isinstance(decision.outcome, Refusal) else str(decision.outcome)
        assert told == expected

    def enter(self, decision: Decision, *chairs: Chair) -> None:
        for fact in decision.facts:
            self.version += 1
            assert fact.team.version == self.version
            self.ends += fact.kind in ENDS
        self.team = decision.team
        self.formed |= any(fact.kind is FactKind.TEAM_FORMED for fact in decision.facts)
        new = [seat for seat in decision.seats if seat.seat_id not in self.seats]
        if isinstance(decision.outcome, Refusal):
            assert not new
            assert not decision.facts
        else:
            self.chairs |= {seat.seat_id: chair for seat, chair in zip(new, chairs, strict=True)}
        self.seats |= {seat.seat_id: seat for seat in decision.seats}
        for state, reason in decision.released:
            self.release_all(state, reason)

    def release_all(self, state: SeatState, reason: ReleaseReason) -> None:
        for seat in [seat for seat in self.seats.values() if seat.state is state]:
            self.seats[seat.seat_id] = replace(seat, state=SeatState.RELEASED, release_reason=reason)


TestRandomTeam = RandomTeam.TestCase
TestRandomTeam.settings = settings(max_examples=500, stateful_step_count=50, derandomize=True, deadline=None)
