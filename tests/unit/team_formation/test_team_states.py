"""Plays every row of the teams' table in docs/team-states.md: it is the specification, a row that is not true fails."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.team_formation import domain
from services.team_formation.domain import FactKind, Outcome, ReleaseReason, SeatState, TeamState
from tests.support.tables import read_table
from tests.support.team_stage import OWN, WAITER, Row, Stage

ROWS = [Row(**{name.replace(" ", "_"): cell for name, cell in row.items()}) for row in read_table("team")]
COMMANDS = {
    "OpenTeam",
    "JoinTeam",
    "ConfirmSeat",
    "LeaveTeam",
    "ExtendHold",
    "DefaultSeat",
    "SponsorTeam",
    "CancelTeam",
    "Timer",
}
OUTCOMES = {str(outcome) for outcome in Outcome} | {"OTHER_TEAM"}


def test_the_table_names_every_state_command_event_and_outcome() -> None:
    assert {row.team for row in ROWS} == {"none", *TeamState}
    assert {row.seat for row in ROWS} == {"none", "SPONSORED", *SeatState, *ReleaseReason} - {"RELEASED"}
    assert {row.command for row in ROWS} == COMMANDS
    assert {kind for row in ROWS for kind in row.events.split(", ")} == {"-", *FactKind}
    assert {row.outcome for row in ROWS} >= OUTCOMES
    assert {row.team_after for row in ROWS} == {"none", *TeamState}


def test_every_live_seat_of_an_open_team_meets_every_command() -> None:
    on_seats = COMMANDS - {"OpenTeam", "SponsorTeam"}
    met = {(row.seat, row.command) for row in ROWS if row.team == "FORMING"}
    assert {(seat, command) for seat in ("WAITING", "HELD", "CONFIRMED") for command in on_seats} <= met


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.team}-{row.seat}-{row.command}-{row.circumstance}")
def test_row(row: Row) -> None:
    stage = Stage(row)
    stage.play()
    assert stage.outcome == row.outcome
    assert [fact.kind.value for fact in stage.facts] == ([] if row.events == "-" else row.events.split(", "))
    assert stage.team_after() == row.team_after
    assert stage.seat_after() == row.seat_after
    assert stage.besides(row.besides) == row.besides


def test_versions_rise_by_one_and_totals_and_numbers_follow_the_seats() -> None:
    for row in ROWS:
        stage = Stage(row)
        versions = {stage.team.team_id: stage.team.version}
        stage.play()
        for fact in stage.facts:
            assert fact.team.version == versions.get(fact.team.team_id, 0) + 1
            versions[fact.team.team_id] = fact.team.version
            assert fact.at == stage.now
        numbers = [seat.number for seat in stage.seats.values() if seat.team_id == stage.team.team_id]
        assert len(numbers) == len(set(numbers)), row
        ended = stage.team.state in {TeamState.FAILED, TeamState.CANCELLED}
        assert stage.team.totals == (domain.Totals() if ended else stage.counted()), row


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [("outcome", Outcome.SEAT), ("events", "SeatHeld"), ("seat_after", "HELD"), ("besides", "own leads")],
)
def test_a_row_that_is_not_true_is_noticed(cell: str, wrong: str) -> None:
    row = next(row for row in ROWS if row.outcome == "TEAM_FULL")
    with pytest.raises(AssertionError):
        test_row(replace(row, **{cell: wrong}))


def test_a_word_that_nobody_knows_is_noticed() -> None:
    with pytest.raises(ValueError, match="sideways"):
        Stage(replace(ROWS[0], circumstance="sideways"))


def test_a_hold_given_to_who_waited_is_its_own() -> None:
    stage = Stage(next(row for row in ROWS if row.besides == "waiter HELD" and row.command == "Timer"))
    stage.play()
    waiter = stage.seats[WAITER]
    assert waiter.held_at == stage.now
    assert waiter.hold_until == min(stage.now + stage.terms.rules.hold_lifetime, stage.team.ends_at)
    assert waiter.cap == 3990
    assert stage.team.due_at <= waiter.hold_until
    assert not domain.is_due(stage.team, stage.around())


def test_a_hold_is_extended_by_what_is_allowed_at_most_to_the_end() -> None:
    row = next(row for row in ROWS if row.outcome == "EXTENDED")
    for ends_in, held_for in ((30, 10), (7, 7)):
        stage = Stage(row)
        ends_at = stage.now + timedelta(minutes=ends_in)
        stage.team = replace(stage.team, ends_at=ends_at, deadline=ends_at)
        stage.play()
        assert stage.seats[OWN].hold_until == stage.now + timedelta(minutes=held_for)
