"""The copy of teams and seats: what each event changes in it, and which seats a change of the team concerns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.notification.domain import (
    Audience,
    Cancelled,
    Change,
    Contradiction,
    CountedIn,
    Ended,
    Opened,
    PaymentMode,
    Rescheduled,
    Role,
    Seat,
    SeatFact,
    SeatMoved,
    SeatState,
    Sponsored,
    Team,
    TeamFact,
    TeamState,
    Text,
    TurnedTo,
    advance,
    audience,
    is_news,
    move_seat,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_STATE = {
    SeatFact.HELD: SeatState.HELD,
    SeatFact.SEATED: SeatState.HELD,
    SeatFact.EXTENDED: SeatState.HELD,
    SeatFact.WAITLISTED: SeatState.WAITING,
    SeatFact.RELEASED: SeatState.RELEASED,
    SeatFact.DEFAULTED: SeatState.DEFAULTED,
}


def a_seat(state: SeatState = SeatState.CONFIRMED) -> Seat:
    return Seat(UUID(int=9), "mei", "mango", 1, Role.MEMBER, 3990, state, NOW)


def played(*facts: SeatFact) -> Seat:
    """The seat after facts at the versions 2, 3, ..."""
    seat: Seat | Contradiction | None = None
    for version, fact in enumerate(facts, start=2):
        assert not isinstance(seat, Contradiction)
        seat = move_seat(seat, SeatMoved(a_seat(IN_STATE.get(fact, SeatState.CONFIRMED)), fact), version)
    assert isinstance(seat, Seat)
    return seat


def a_team(counted_in: CountedIn = CountedIn.MEMBERS) -> Team:
    opened = Opened((Text("en", "Mangoes"),), "s", "", "UTC", PaymentMode.COMMIT, counted_in, 2, "EUR", NOW)
    return Team(UUID(int=1), UUID(int=2), UUID(int=3), 1, TeamState.FORMING, opened=opened)


def a_fact(version: int, change: Change | None = None, *, platform: int = 1) -> TeamFact:
    return TeamFact(
        UUID(int=version), UUID(int=platform), UUID(int=2), UUID(int=3), version, TeamState.TIPPED, 2, 5, change
    )


@pytest.mark.parametrize(("counted_in", "fill"), [(CountedIn.MEMBERS, 2), (CountedIn.UNITS, 5)])
def test_a_team_keeps_the_fill_its_minimum_is_counted_in(counted_in: CountedIn, fill: int) -> None:
    team = advance(a_team(counted_in), a_fact(2, SeatMoved(a_seat(), SeatFact.CONFIRMED, fills=True)))
    assert isinstance(team, Team)
    assert (team.version, team.state, team.fill, team.fill_version) == (2, TeamState.TIPPED, fill, 2)


def test_a_hold_does_not_change_the_confirmed_fill() -> None:
    team = advance(a_team(), a_fact(2, SeatMoved(a_seat(state=SeatState.HELD), SeatFact.HELD)))
    assert isinstance(team, Team)
    assert team.fill_version == 0


def test_what_was_seen_or_never_opened_changes_nothing_and_contradictions_are_said() -> None:
    team = a_team()
    assert advance(team, a_fact(1)) is None
    assert advance(Team(UUID(int=1), UUID(int=2), UUID(int=3)), a_fact(5)) is None
    assert isinstance(advance(team, a_fact(2, platform=8)), Contradiction)
    assert isinstance(advance(team, a_fact(2, team.opened)), Contradiction)
    other = Seat(UUID(int=9), "tom", "mango", 1, Role.MEMBER, 1, SeatState.HELD, NOW)
    assert isinstance(move_seat(a_seat(), SeatMoved(other, SeatFact.HELD), 4), Contradiction)


HELD, SEATED, WAITLISTED, CONFIRMED = SeatFact.HELD, SeatFact.SEATED, SeatFact.WAITLISTED, SeatFact.CONFIRMED
REDUCED, LEADING, RELEASED, DEFAULTED = SeatFact.REDUCED, SeatFact.LEADING, SeatFact.RELEASED, SeatFact.DEFAULTED


@pytest.mark.parametrize(
    ("facts", "taken", "confirmed", "released", "reduced"),
    [
        ((HELD,), 2, None, None, None),
        ((HELD, CONFIRMED), 2, 3, None, None),
        ((HELD, RELEASED), 2, None, 3, None),
        ((HELD, RELEASED, CONFIRMED), 4, 4, None, None),  # paid late, and there was room
        ((HELD, CONFIRMED, RELEASED), 2, 3, 4, None),
        ((HELD, CONFIRMED, DEFAULTED), 2, 3, 4, None),
        ((HELD, CONFIRMED, REDUCED, LEADING), 2, 3, None, 4),
        ((WAITLISTED, SEATED, CONFIRMED), 2, 4, None, None),
        ((WAITLISTED, RELEASED), 2, None, 3, None),
        ((CONFIRMED, REDUCED), 2, 2, None, 3),  # its hold was not seen
        ((REDUCED,), 2, 2, None, 2),
        ((RELEASED,), 2, None, 2, None),
    ],
)
def test_a_seat_keeps_between_which_versions_it_counts(
    facts: tuple[SeatFact, ...], taken: int, confirmed: int | None, released: int | None, reduced: int | None
) -> None:
    seat = played(*facts)
    assert (seat.taken_version, seat.confirmed_version, seat.released_version, seat.reduced_version) == (
        taken,
        confirmed,
        released,
        reduced,
    )


def test_sponsored_places_change_the_fill_and_stay_when_the_team_is_given_up() -> None:
    team = advance(a_team(), replace(a_fact(2, Sponsored()), sponsored=1))
    assert isinstance(team, Team)
    assert (team.sponsored, team.fill_version) == (1, 2)
    given_up = a_fact(3, Cancelled("", after_formed=False))
    team = advance(team, given_up)
    assert isinstance(team, Team)
    assert team.sponsored == 1


def test_a_team_that_stays_formed_without_seats_is_given_up_to_its_members() -> None:
    formed = advance(a_team(), a_fact(2, Ended()))
    assert isinstance(formed, Team)
    fallen = advance(formed, replace(a_fact(3, Cancelled("too few paid", after_formed=True)), state=TeamState.FORMED))
    assert isinstance(fallen, Team)
    assert fallen.state is TeamState.CANCELLED


def test_a_new_leader_does_not_change_the_fill() -> None:
    team = advance(a_team(), a_fact(2, SeatMoved(a_seat(), SeatFact.LEADING)))
    assert isinstance(team, Team)
    assert team.fill_version == 0


def test_a_moved_end_is_kept_with_its_version() -> None:
    team = advance(a_team(), a_fact(2, Rescheduled(NOW + timedelta(hours=1))))
    assert isinstance(team, Team)
    assert team.opened
    assert (team.opened.ends_at, team.end_version) == (NOW + timedelta(hours=1), 2)


@pytest.mark.parametrize(
    ("change", "concerned"),
    [
        (TurnedTo(TeamState.TIPPED), Audience.COUNTED),
        (Ended(), Audience.WAITING),
        (Rescheduled(NOW), Audience.LIVE),
        (Cancelled("", after_formed=False), Audience.LIVE),
        (Cancelled("", after_formed=True), Audience.COUNTED),
        (Sponsored(), None),
        (SeatMoved(a_seat(), SeatFact.HELD), Audience.COUNTED),
        (None, None),
    ],
)
def test_whom_a_change_concerns(change: Change | None, concerned: Audience | None) -> None:
    assert audience(change) is concerned


def test_the_end_is_news_only_where_somebody_waits() -> None:
    team = a_team()
    assert not is_news(Ended(), team)
    waited_for = advance(team, replace(a_fact(2), waiting=1))
    assert isinstance(waited_for, Team)
    assert is_news(Ended(), waited_for)
