"""Plays every row of docs/team-states.md: the table is the specification, a row that is not true fails."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.team_formation import domain
from services.team_formation.domain import Decision, Outcome, Refusal, ReleaseReason, Seat, SeatState, TeamState

TABLE = Path(__file__).parents[3] / "docs" / "team-states.md"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINIMUM, MAXIMUM = 2, 4
PRICES = {0: 3990, 2: 3490, 3: 2990}


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


def rows() -> list[Row]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row(*row) for row in cells if row[0] != "team"]


def test_the_table_names_every_state_and_command() -> None:
    table = rows()
    assert {row.team for row in table} == {"none", *TeamState}
    assert {row.seat for row in table} == {"none", "HELD", "CONFIRMED", *ReleaseReason}
    assert {row.command for row in table} == {"OpenTeam", "JoinTeam", "ConfirmSeat", "LeaveTeam", "Timer"}
    assert {kind for row in table for kind in row.events.split(", ")} == {"-", *domain.FactKind}
    open_states = {(row.team, row.seat, row.command) for row in table if row.team in {"FORMING", "TIPPED"}}
    assert {
        (team, seat, command) for team in ("FORMING",) for seat in ("HELD", "CONFIRMED") for command in COMMANDS
    } <= open_states


COMMANDS = ("JoinTeam", "ConfirmSeat", "LeaveTeam", "Timer")


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.team}-{row.seat}-{row.command}-{row.circumstance}")
def test_row(row: Row) -> None:
    stage = Stage(row)
    decision, facts = stage.play()
    outcome = decision.outcome.reason if isinstance(decision.outcome, Refusal) else decision.outcome
    assert outcome == row.outcome
    assert [fact.kind.value for fact in facts] == ([] if row.events == "-" else row.events.split(", "))
    assert decision.team.state == row.team_after
    assert stage.seat_state(decision) == row.seat_after


def test_versions_rise_by_one_and_totals_follow_the_seats() -> None:
    for row in rows():
        stage = Stage(row)
        before = stage.team.version
        decision, facts = stage.play()
        assert [fact.team.version for fact in facts] == list(range(before + 1, before + 1 + len(facts)))
        if facts:
            assert facts[-1].team.totals == decision.team.totals


def terms(row: Row) -> domain.Terms:
    words = row.circumstance.split()
    steps = tuple(domain.PriceStep(at, price, tier) for tier, (at, price) in enumerate(PRICES.items()))
    table = tuple(domain.PriceRow("mango", role, steps) for role in domain.Role)
    leave = next((word.removeprefix("until-") for word in words if word.startswith("until-")), "never").upper()
    rules = domain.Rules(
        domain.PaymentMode.COMMIT if "promised" in words else domain.PaymentMode.PREPAID,
        domain.CountedIn.MEMBERS,
        MINIMUM,
        MAXIMUM,
        timedelta(minutes=10),
        timedelta(hours=1),
        close_when_full="fills-open" not in words,
        leave_until=domain.LeaveUntil(leave),
    )
    price_table = domain.PriceTable("EUR", domain.Basis.TEAM_MEMBERS, 1, table)
    return domain.Terms(1, rules, (domain.Item("mango", 3990),), (), price_table)


class Stage:
    """A team with the seats that a row needs, and the player of its command."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.words = set(row.circumstance.split())
        self.terms = terms(row)
        self.now = NOW
        self.seat = self._seat() if row.seat != "none" else None
        self.live: Seat | None = self.seat if self.seat and self.seat.state.is_live else None
        if "rejoined" in self.words and self.seat:
            self.live = replace(self.seat, seat_id=UUID(int=77), state=SeatState.HELD, release_reason=None)
        self.team = self._team()

    def _seat(self) -> Seat:
        state = self.row.seat if self.row.seat in {"HELD", "CONFIRMED"} else "RELEASED"
        hold_until = NOW if "due" in self.words or "over" in self.words else NOW + timedelta(minutes=5)
        confirmed = self.row.seat in {"CONFIRMED", "TEAM_FAILED"}
        return Seat(
            UUID(int=3),
            UUID(int=1),
            UUID(int=2),
            UUID(int=9),
            "mei",
            "mango",
            1,
            domain.Role.MEMBER,
            SeatState(state),
            3490,
            2,
            held_at=NOW - timedelta(minutes=5),
            hold_until=hold_until,
            payment_reference="first" if confirmed and "promised" not in self.words else "",
            release_reason=ReleaseReason(self.row.seat) if state == "RELEASED" else None,
            number=2,
        )

    def _team(self) -> domain.Team:
        totals = self._totals()
        state = TeamState.FORMING if self.row.team == "none" else TeamState(self.row.team)
        over = "over" in self.words and state.is_open
        ends_at = NOW if over else NOW + timedelta(minutes=30)
        return domain.Team(
            UUID(int=1),
            UUID(int=2),
            UUID(int=9),
            1,
            state,
            0 if self.row.team == "none" else 10,
            totals,
            opened_at=NOW - timedelta(minutes=30),
            ends_at=ends_at,
            due_at=min(ends_at, self.seat.hold_until if self.seat else ends_at),
            opener_member_id="leader",
            ended_at=None if state.is_open else NOW,
        )

    def _totals(self) -> domain.Totals:
        """Count the row's own seat, and others so that the circumstance holds."""
        confirmed = {"FORMING": 0, "TIPPED": MINIMUM, "FORMED": MINIMUM, "FAILED": 0, "none": 0}[self.row.team]
        if self.row.seat == "CONFIRMED":
            confirmed = max(confirmed, 1) if "untips" not in self.words else MINIMUM
        if "stays" in self.words and self.row.command == "LeaveTeam":
            confirmed = MINIMUM + 1
        if "tips" in self.words:
            confirmed = MINIMUM - 1
        if self.words & {"fills", "fills-open"}:
            confirmed = MAXIMUM - 1
        held = 1 if self.row.seat == "HELD" else 0
        held += 1 if "rejoined" in self.words else 0
        if "full" in self.words:
            held = MAXIMUM - confirmed
        return domain.Totals(confirmed, confirmed, held, held)

    def play(self) -> tuple[Decision, list[domain.Fact]]:
        if self.row.command == "OpenTeam":
            return self._open()
        held = [self.seat] if self.seat and self.seat.state is SeatState.HELD else []
        first = domain.bring_up_to_date(self.team, self.terms, held, self.now)
        self._apply(first)
        decision = self._command(first)
        return decision, [*first.facts, *([] if decision is first else decision.facts)]

    def _apply(self, decision: Decision) -> None:
        for seat in decision.seats:
            self.seat = seat
            self.live = seat if seat.state.is_live else None
        if decision.all_released and self.seat and self.seat.state is SeatState.CONFIRMED:
            self.seat = replace(self.seat, state=SeatState.RELEASED, release_reason=ReleaseReason.TEAM_FAILED)

    def _command(self, first: Decision) -> Decision:
        team = first.team
        match self.row.command:
            case "JoinTeam":
                return domain.join_team(team, self.terms, self.live, join(), self.now)
            case "ConfirmSeat":
                assert self.seat
                return domain.confirm_seat(team, self.terms, self.seat, self.live, (), self._confirm(), self.now)
            case "LeaveTeam":
                assert self.seat
                return domain.leave_team(team, self.terms, self.seat, self.now)
        return first

    def _confirm(self) -> domain.Confirm:
        if "promised" in self.words:
            return domain.Confirm(3490, "EUR")
        return domain.Confirm(3490, "EUR", "first" if "same-payment" in self.words else "second")

    def _open(self) -> tuple[Decision, list[domain.Fact]]:
        shown = domain.Presentation((domain.LocalizedText("en", "Mangoes"),), "", "Shop", "", "UTC")
        campaign = domain.Campaign(
            UUID(int=1), UUID(int=9), "m", "", "EUR", NOW, NOW + timedelta(days=1), shown, self.terms
        )
        decision = domain.open_team(campaign, domain.Open(UUID(int=2), join()), self.now)
        assert isinstance(decision, Decision)
        return decision, list(decision.facts)

    def seat_state(self, decision: Decision) -> str:
        seat = decision.seats[-1] if decision.seats else self.seat
        if seat is None or (isinstance(decision.outcome, Refusal) and self.row.seat == "none"):
            return "none"
        return seat.release_reason or seat.state


def join() -> domain.Join:
    return domain.Join(UUID(int=4), "mei", "mango", 1)


def test_a_circumstance_that_does_not_hold_is_noticed() -> None:
    """The check itself can fail: a row with a wrong outcome does not pass."""
    wrong = replace(next(row for row in rows() if row.outcome == "TEAM_FULL"), outcome=Outcome.SEAT)
    with pytest.raises(AssertionError):
        test_row(wrong)
