"""A team on a stage: the seats that a row of docs/team-states.md needs, and the player of its command."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.team_formation import domain
from services.team_formation.domain import (
    Around,
    CountedIn,
    Decision,
    Heirs,
    LeaveUntil,
    OnFull,
    PaymentMode,
    Phase,
    Refusal,
    ReleaseReason,
    Role,
    Seat,
    SeatState,
    TeamState,
    Usage,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINIMUM, MAXIMUM = 2, 4
PRICES = {0: 3990, 2: 3490, 3: 2990}
MOST_SPONSORED = 3
MINUTE = timedelta(minutes=1)
STOCK = 50
WORDS = frozenset(
    """
    room last-place full below tips fills fills-open untips stays due over more-holds paid promised unpaid same-payment
    other-payment known-late wrong-amount other-currency other-item priced-out rejoined until-tipped until-ended never
    withdraws withdraws-late fails-below fills-places part too-many by-units leads heir sponsored-heir no-leader
    waits two-wait waiter-priced-out waiter-out-of-stock waitlist waitlist-full opens-team out-of-stock last-unit
    suspected flagged units-limit teams-limit opened-limit newcomers-only old-brings-new tags match-key newcomer old
    tagged untagged
    same-key other-key no-key extendable
    extended-once sponsorable three-places draft scheduled paused suspended cancelled formed-too closed closed-now
    extended
    """.split()  # noqa: SIM905 - a list of words is read more easily than a page of quotes
)

CAMPAIGN, TEAM, PLATFORM, OTHER_TEAM = (UUID(int=number) for number in (1, 2, 9, 8))
OWN, NEW, HEIR, WAITER, SECOND, SOMEBODY = (UUID(int=number) for number in (3, 4, 5, 6, 7, 99))
_NAMES = {OWN: "own", NEW: "own", HEIR: "heir", WAITER: "waiter", SECOND: "second", None: "nobody"}
_PAID = {"CONFIRMED", "DEFAULTED", "TEAM_FAILED", "TEAM_CANCELLED", "WITHDRAWN"}
_COSTS_NOTHING_YET = {"WAITING", "TEAM_ENDED", "PRICE_CHANGED"}


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    team: str
    seat: str
    command: str
    circumstance: str
    outcome: str
    events: str
    team_after: str
    seat_after: str
    besides: str


class Stage:
    """Plays one row; `seats` are all there are, so that totals can be counted."""

    def __init__(self, row: Row) -> None:
        self.row, self.now = row, NOW
        self.words = frozenset(row.circumstance.split())
        if unknown := self.words - WORDS:
            raise ValueError(f"the circumstances {sorted(unknown)} mean nothing here")
        self.terms = domain.Terms(1, self._rules(), _ITEMS, (), _TABLE)
        self.campaign = self._campaign()
        self.left = {"mango": 0 if self.has("out-of-stock") else 1 if self.has("last-unit") else STOCK}
        self.left["kiwi"] = 0 if self.has("waiter-out-of-stock") else STOCK
        self.seats: dict[UUID, Seat] = {}
        self._seat_all()
        self.team = self._team()
        self.known_late = ["second"] if self.has("known-late") else []
        self.facts: list[domain.Fact] = []
        self.outcome = ""
        self._opened: domain.Team | None = None
        self._answered: Seat | None = None
        self._before = {seat_id: _label(seat) for seat_id, seat in self.seats.items()}
        self._led_before = self.team.leader_seat_id

    def has(self, *words: str) -> bool:
        """Tell whether one of the words is among the circumstances."""
        return not self.words.isdisjoint(words)

    # What is there before.

    def _rules(self) -> domain.Rules:
        leave = next((word.removeprefix("until-").upper() for word in self.words if word.startswith("until-")), "NEVER")
        on_full = OnFull.WAITLIST if self.has("waitlist", "waitlist-full", "waits", "two-wait") else OnFull.REFUSE
        who = domain.WhoMayJoin(
            newcomers_only=self.has("newcomers-only"),
            tags=("red",) if self.has("tags") else (),
            old_brings_new=self.has("old-brings-new"),
            match_key_needed=self.has("match-key"),
        )
        return domain.Rules(
            PaymentMode.COMMIT if self.has("promised") else PaymentMode.PREPAID,
            CountedIn.UNITS if self.has("by-units") else CountedIn.MEMBERS,
            MINIMUM,
            MAXIMUM,
            10 * MINUTE,
            60 * MINUTE,
            close_when_full=not self.has("fills-open"),
            max_units_per_seat=3,
            leave_until=LeaveUntil(leave),
            max_units_per_member=2 if self.has("units-limit") else 0,
            max_teams_per_member=1 if self.has("teams-limit") else 0,
            max_teams_opened_per_member=1 if self.has("opened-limit") else 0,
            on_full=OnFull.OPEN_TEAM if self.has("opens-team") else on_full,
            max_waiting=1 if self.has("waitlist-full") else 100,
            who_may_join=who,
            max_sponsored=MOST_SPONSORED if self.has("sponsorable") else 0,
            hold_extension=5 * MINUTE if self.has("extendable") else timedelta(),
            leave_after_formed=60 * MINUTE if self.has("withdraws", "withdraws-late") else timedelta(),
            payment_terms=self._payment_terms(),
        )

    def _payment_terms(self) -> domain.PaymentTerms | None:
        if not self.has("fails-below", "fills-places"):
            return None
        return domain.PaymentTerms(
            on_unpaid=domain.OnUnpaid.FILL_FROM_WAITLIST if self.has("fills-places") else domain.OnUnpaid.KEEP_PRICE,
            on_below_minimum=domain.OnBelowMinimum.FAIL if self.has("fails-below") else domain.OnBelowMinimum.SHIP,
        )

    def _campaign(self) -> domain.Campaign:
        shown = domain.Presentation((domain.LocalizedText("en", "Mangoes"),), "", "Shop", "", "UTC")
        starts_at = NOW + MINUTE if self.has("scheduled") else NOW - 60 * MINUTE
        ends_at = NOW + timedelta(days=1)
        if self.has("closed", "closed-now"):
            ends_at = NOW if self.has("closed-now") else NOW + 10 * MINUTE
        phase = next((item for item in Phase if item.lower() in self.words), Phase.PUBLISHED)
        return domain.Campaign(
            CAMPAIGN,
            PLATFORM,
            "m",
            "",
            "EUR",
            starts_at,
            ends_at,
            shown,
            self.terms,
            phase=phase,
            cancels_formed=self.has("formed-too"),
            suspension_reason="It did not deliver." if self.has("suspended") else "",
            abuse_rules=self._abuse_rules(),
        )

    def _abuse_rules(self) -> tuple[domain.AbuseRule, ...]:
        action = domain.AbuseAction.REFUSE if self.has("suspected") else domain.AbuseAction.FLAG
        rule = domain.AbuseRule(domain.Signal.SEATS_PER_DEVICE, action, 2, domain.TAGS_KEPT)
        return (rule,) if self.has("suspected", "flagged") else ()

    def _seat_all(self) -> None:
        """Seat the row's own member, those it names, and as many others as make the circumstance true."""
        if self.row.seat != "none":
            self._sit(self._own())
        if self.has("heir"):
            self._sit(_seat(HEIR, "heir", SeatState.CONFIRMED, confirmed_at=NOW - 9 * MINUTE))
        if self.has("sponsored-heir"):
            self._sit(_seat(HEIR, "", SeatState.CONFIRMED, confirmed_at=NOW - 9 * MINUTE, sponsored=True))
        if self.has("rejoined"):
            self._sit(_seat(SOMEBODY, "mei", SeatState.HELD))
        if self.row.team in {"FAILED", "CANCELLED"}:
            return
        for _ in range(self._confirmed_wanted() - self._fill(SeatState.CONFIRMED)):
            self._sit(self._other(SeatState.CONFIRMED))
        for _ in range(self._taken_wanted() - self._fill(SeatState.CONFIRMED, SeatState.HELD)):
            ended = self.row.team == "FORMED" or (self.has("over") and not self.has("more-holds"))
            self._sit(self._other(SeatState.CONFIRMED if ended else SeatState.HELD))
        self._sit_waiting()

    def _own(self) -> Seat:
        name = self.row.seat
        plain = name in {"WAITING", "HELD", "CONFIRMED", "DEFAULTED"}
        state = SeatState.CONFIRMED if name == "SPONSORED" else SeatState(name) if plain else SeatState.RELEASED
        confirmed = name in {"CONFIRMED", "SPONSORED", "DEFAULTED", "WITHDRAWN"}
        return replace(
            _seat(OWN, "" if name == "SPONSORED" else "mei", state),
            quantity=2 if self.has("part") else 1,
            cap=0 if name in _COSTS_NOTHING_YET else 3490,
            hold_until=NOW if self.has("due", "over", "closed-now") else NOW + 5 * MINUTE,
            payment_reference="first" if name in _PAID and not self.has("promised") else "",
            confirmed_at=NOW - 2 * MINUTE if confirmed else None,
            release_reason=ReleaseReason(name) if state is SeatState.RELEASED else None,
            sponsored=name == "SPONSORED",
            hold_extended=self.has("extended-once"),
            max_unit_price=1 if self.has("priced-out") and name == "WAITING" else None,
        )

    def _confirmed_wanted(self) -> int:
        if self.has("fills", "fills-open"):
            return MAXIMUM - 1
        if self.has("stays") and self.row.command != "ConfirmSeat":
            return MINIMUM + 1
        if self.has("tips"):
            return MINIMUM - 1
        return MINIMUM if self.row.team in {"TIPPED", "FORMED"} else 0

    def _taken_wanted(self) -> int:
        return MAXIMUM if self.has("full", "more-holds") else MAXIMUM - 1 if self.has("last-place") else 0

    def _other(self, state: SeatState) -> Seat:
        number = 100 + len(self.seats)
        sponsored = state is SeatState.CONFIRMED and self.has("no-leader")
        seat = _seat(UUID(int=number), "" if sponsored else f"member-{number}", state, sponsored=sponsored)
        return replace(seat, confirmed_at=NOW - MINUTE if state is SeatState.CONFIRMED else None)

    def _sit_waiting(self) -> None:
        if self.has("waits", "two-wait"):
            waiter = _seat(WAITER, "waiter", SeatState.WAITING, cap=0)
            waiter = replace(waiter, max_unit_price=1) if self.has("waiter-priced-out") else waiter
            self._sit(replace(waiter, sku="kiwi") if self.has("waiter-out-of-stock") else waiter)
        if self.has("two-wait"):
            self._sit(_seat(SECOND, "second", SeatState.WAITING, cap=0))

    def _sit(self, seat: Seat) -> None:
        self.seats[seat.seat_id] = replace(seat, number=len(self.seats) + 2)

    def _team(self) -> domain.Team:
        state = TeamState.FORMING if self.row.team == "none" else TeamState(self.row.team)
        ends_at = NOW if self.has("over") and state.is_open else NOW + 30 * MINUTE
        waits = [seat.hold_until for seat in self.seats.values() if seat.state is SeatState.HELD]
        ended_at = NOW - 60 * MINUTE if self.has("withdraws-late") else NOW
        return domain.Team(
            CAMPAIGN,
            TEAM,
            PLATFORM,
            1,
            state,
            20,
            self.counted(),
            opened_at=NOW - 30 * MINUTE,
            ends_at=ends_at,
            due_at=NOW if self.has("due") and not state.is_open else min([ends_at, *waits]),
            opener_member_id="leader",
            ended_at=None if state.is_open else ended_at,
            deadline=ends_at + 30 * MINUTE if self.has("extended") else ends_at,
            leader_seat_id=None if self.has("no-leader") else OWN if self.has("leads") else SOMEBODY,
            match_key="pick-up-7" if self.has("match-key") else "",
            formed_fill=self.counted().confirmed_members if state is TeamState.FORMED else None,
        )

    def counted(self) -> domain.Totals:
        """Count the seats, each on its own."""

        def count(*states: SeatState, sponsored: bool = False) -> tuple[int, int]:
            found = [seat for seat in self.seats.values() if seat.team_id == TEAM and seat.state in states]
            found = [seat for seat in found if seat.sponsored] if sponsored else found
            return len(found), sum(seat.quantity for seat in found)

        return domain.Totals(
            *count(SeatState.CONFIRMED),
            *count(SeatState.HELD),
            *count(SeatState.WAITING),
            *count(SeatState.CONFIRMED, sponsored=True),
        )

    def _fill(self, *states: SeatState) -> int:
        found = [seat for seat in self.seats.values() if seat.state in states]
        return sum(seat.quantity for seat in found) if self.has("by-units") else len(found)

    # The command.

    def around(self) -> Around:
        """Give what a decision needs besides the team."""
        return Around(self.campaign, self.terms, self.now, self.left)

    def play(self) -> None:
        """Bring the team up to date and decide the row's command, as one batch does."""
        if self.row.command == "OpenTeam":
            self._open()
            return
        if domain.is_due(self.team, self.around()):
            self._enter(self._brought_up_to_date(), answers=False)
        self.outcome = "-"
        if self.row.command != "Timer":
            self._enter(self._decide())

    def _brought_up_to_date(self) -> Decision:
        held = [seat for seat in self.seats.values() if seat.state is SeatState.HELD]
        held.sort(key=lambda seat: seat.hold_until)
        part = held[:1] if self.has("more-holds") else held
        return domain.bring_up_to_date(
            self.team, self.around(), part, self._heirs(), all_held=not self.has("more-holds")
        )

    def _decide(self) -> Decision:
        team, around = self.team, self.around()
        match self.row.command:
            case "JoinTeam":
                return self._join()
            case "SponsorTeam":
                places = 3 if self.has("three-places") else 1
                ids = tuple(UUID(int=NEW.int + 1000 * n) for n in range(places))
                return domain.sponsor_team(team, around, domain.Sponsor(ids, self._sku()))
            case "CancelTeam":
                return domain.cancel_team(team, around, domain.Cancel("sold elsewhere"))
        return self._decide_on_seat(self.seats[OWN])

    def _decide_on_seat(self, seat: Seat) -> Decision:
        team, around = self.team, self.around()
        match self.row.command:
            case "ConfirmSeat":
                late = self.known_late
                return domain.confirm_seat(team, around, seat, self._live(), self._usage(), late, self._confirm(seat))
            case "LeaveTeam":
                units = 1 if self.has("part") else 2 if self.has("too-many") else 0
                return domain.leave_team(team, around, seat, self._heirs(), domain.Leave(units))
            case "ExtendHold":
                return domain.extend_hold(team, around, seat)
            case "DefaultSeat":
                return domain.default_seat(team, around, seat, self._heirs(), domain.Default("card refused"))
        raise ValueError(self.row.command)

    def _join(self) -> Decision:
        decision = domain.join_team(self.team, self.around(), self._live(), self._usage(), self._wanted())
        if domain.is_full(decision) and self.has("opens-team"):
            opening = domain.Open(OTHER_TEAM, self._wanted())
            opened = domain.open_team(self.around(), opening, self._usage(), overflow_of=TEAM)
            if isinstance(opened, Refusal):
                return replace(decision, outcome=opened)
            self.team = domain.overflow_into(self.team, opened.team)
            return opened
        return decision

    def _open(self) -> None:
        self.team = replace(self.team, version=0, team_id=OTHER_TEAM)
        decision = domain.open_team(self.around(), domain.Open(OTHER_TEAM, self._wanted()), self._usage())
        if isinstance(decision, Refusal):
            self.outcome = decision.reason
        else:
            self._enter(decision)

    def _enter(self, decision: Decision, *, answers: bool = True) -> None:
        for seat in decision.seats:
            self._give(seat)
            if seat.sponsored and seat.seat_id not in self._before:
                self._answered = seat
        for state, reason in decision.released:
            for seat in [seat for seat in self.seats.values() if seat.state is state]:
                self.seats[seat.seat_id] = replace(seat, state=SeatState.RELEASED, release_reason=reason)
        self.facts += decision.facts
        if decision.team.team_id == TEAM:
            self.team = decision.team
        else:
            self._opened = decision.team
        if answers:
            refused = isinstance(decision.outcome, Refusal)
            self.outcome = decision.outcome.reason if isinstance(decision.outcome, Refusal) else str(decision.outcome)
            self.outcome = "OTHER_TEAM" if self._opened and self.row.command == "JoinTeam" else self.outcome
            self._answered = None if refused else self._answered or decision.seat

    def _give(self, seat: Seat) -> None:
        before = self.seats.get(seat.seat_id)
        self.left[seat.sku] += (before.quantity if before and before.state.takes_room else 0) - (
            seat.quantity if seat.state.takes_room else 0
        )
        self.seats[seat.seat_id] = seat

    def _heirs(self) -> Heirs:
        waiting = [seat for seat in self.seats.values() if seat.state is SeatState.WAITING]
        confirmed = [seat for seat in self.seats.values() if seat.state is SeatState.CONFIRMED]
        return Heirs(_by_number(waiting), sorted(confirmed, key=lambda seat: seat.confirmed_at or NOW))

    def _live(self) -> Seat | None:
        own = [seat for seat in self.seats.values() if seat.member_id == "mei" and seat.state.is_live]
        return own[0] if own else None

    def _usage(self) -> Usage:
        return Usage(
            units=2 if self.has("units-limit") else 0,
            teams=1 if self.has("teams-limit") else 0,
            opened=1 if self.has("opened-limit") else 0,
        )

    def _wanted(self) -> domain.Join:
        key = "pick-up-7" if self.has("same-key") else "pick-up-8" if self.has("other-key") else ""
        tags = frozenset({"red", "green"} if self.has("tagged") else {"green"})
        return domain.Join(
            NEW,
            "mei",
            self._sku(),
            4 if self.has("too-many") else 1,
            max_unit_price=1 if self.has("priced-out") else None,
            currency="USD" if self.has("other-currency") else "EUR",
            asserted=domain.Asserted(newcomer=self.has("newcomer"), tags=tags, match_key=key),
            seen={domain.Signal.SEATS_PER_DEVICE: 2} if self.has("suspected", "flagged") else None,
        )

    def _sku(self) -> str:
        return "plum" if self.has("other-item") else "mango"

    def _confirm(self, seat: Seat) -> domain.Confirm:
        amount = seat.cap * seat.quantity + self.has("wrong-amount")
        reference = "" if self.has("promised", "unpaid") else "first" if self.has("same-payment") else "second"
        return domain.Confirm(amount, "USD" if self.has("other-currency") else "EUR", reference)

    # What is there after.

    def team_after(self) -> str:
        """Tell the state of the team that the answer is about."""
        if self.row.command == "OpenTeam":
            return self._opened.state if self._opened else "none"
        return self._opened.state if self._opened else self.team.state

    def seat_after(self) -> str:
        """Tell what became of the seat that the answer is about."""
        seat_id = self._answered.seat_id if self._answered else OWN
        return _label(self.seats[seat_id]) if seat_id in self.seats else "none"

    def besides(self, expected: str) -> str:
        """Tell what became of those that a cell names; of everybody else, what should not have changed and did."""
        named = [part.split()[0] for part in expected.split(", ")]
        parts = [
            f"{self._leader()} leads" if part.endswith("leads") else self._fate(part.split()[0])
            for part in expected.split(", ")
            if part != "-"
        ]
        if "leads" not in expected and (self._opened or self.team).leader_seat_id != self._led_before:
            parts.append(f"{self._leader()} leads")
        ids = (WAITER, SECOND)
        unnamed = [item for item in ids if item in self.seats and _NAMES[item] not in named]
        parts += [self._fate(_NAMES[item]) for item in unnamed if _label(self.seats[item]) != self._before[item]]
        return ", ".join(parts) or "-"

    def _fate(self, name: str) -> str:
        [seat_id] = [item for item, called in _NAMES.items() if called == name]
        assert seat_id
        return f"{name} {_label(self.seats[seat_id])}"

    def _leader(self) -> str:
        leader = (self._opened or self.team).leader_seat_id
        return _NAMES.get(leader, "another")


def _label(seat: Seat) -> str:
    if seat.sponsored and seat.state is SeatState.CONFIRMED:
        return "SPONSORED"
    return seat.release_reason or seat.state


def _by_number(seats: Sequence[Seat]) -> list[Seat]:
    return sorted(seats, key=lambda seat: seat.number)


def _seat(
    seat_id: UUID,
    member_id: str,
    state: SeatState,
    cap: int = 3490,
    confirmed_at: datetime | None = None,
    *,
    sponsored: bool = False,
) -> Seat:
    return Seat(
        seat_id,
        CAMPAIGN,
        TEAM,
        PLATFORM,
        member_id,
        "mango",
        1,
        Role.MEMBER,
        state,
        cap,
        2,
        held_at=NOW - 5 * MINUTE,
        hold_until=NOW + 5 * MINUTE,
        confirmed_at=confirmed_at,
        sponsored=sponsored,
    )


_ITEMS = (domain.Item("mango", 3990), domain.Item("kiwi", 3990))
_STEPS = tuple(domain.PriceStep(at, price, tier) for tier, (at, price) in enumerate(PRICES.items()))
_TABLE = domain.PriceTable(
    "EUR",
    domain.Basis.TEAM_MEMBERS,
    1,
    tuple(domain.PriceRow(item.sku, role, _STEPS) for item in _ITEMS for role in Role),
)
