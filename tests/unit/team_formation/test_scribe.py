"""What the scribe writes by hand is what protobuf writes of the same values: answers, and events of every kind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from groupbuy.team_formation.v1 import events_pb2, types_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.team_formation import domain, translate
from services.team_formation.domain import FactKind, ReleaseReason, Role, SeatState, TeamState
from services.team_formation.translate.wire import field, moment, text, whole
from tests.support.formation import START, a_campaign

CAMPAIGN = a_campaign()
IDS = st.uuids(version=4)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
COUNTS = st.integers(0, 2**40)
WORDS = st.text(max_size=40).filter(lambda word: "\0" not in word)
WITH_SEAT = [
    FactKind.SEAT_HELD,
    FactKind.SEAT_CONFIRMED,
    FactKind.SEAT_RELEASED,
    FactKind.SEAT_WAITLISTED,
    FactKind.SEAT_DEFAULTED,
    FactKind.LATE_PAYMENT_REPORTED,
]
totals = st.builds(domain.Totals, *[COUNTS] * 8)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Sometimes nothing."""
    return st.none() | values


@st.composite
def teams(draw: st.DrawFn) -> domain.Team:
    """Any team of the campaign."""
    return domain.Team(
        CAMPAIGN.campaign_id,
        draw(IDS),
        CAMPAIGN.platform_id,
        CAMPAIGN.terms.version,
        draw(st.sampled_from(TeamState)),
        version=draw(COUNTS),
        totals=draw(totals),
        opened_at=draw(TIMES),
        ends_at=draw(TIMES),
        due_at=draw(TIMES),
        opener_member_id="mei",
        external_ref=draw(WORDS),
        ended_at=draw(maybe(TIMES)),
        leader_seat_id=draw(maybe(IDS)),
        overflow_team_id=draw(maybe(IDS)),
        match_key=draw(WORDS),
        formed_fill=draw(maybe(COUNTS)),
    )


QUOTE = domain.Quote(UUID(int=7), 80, 1, (domain.OwnStep(0, 90), domain.OwnStep(3, 85)))


@st.composite
def seats(draw: st.DrawFn, team: domain.Team) -> domain.Seat:
    """Any seat of a team."""
    return domain.Seat(
        draw(IDS),
        CAMPAIGN.campaign_id,
        team.team_id,
        CAMPAIGN.platform_id,
        draw(WORDS),
        draw(st.sampled_from(["mango", "kiwi"])),
        draw(st.integers(1, 5)),
        draw(st.sampled_from(Role)),
        draw(st.sampled_from(SeatState)),
        draw(st.integers(0, 10**9)),
        draw(COUNTS),
        held_at=draw(TIMES),
        flags=tuple(draw(st.lists(st.sampled_from(domain.Signal), unique=True))),
        hold_until=draw(TIMES),
        invite_id=draw(maybe(IDS)),
        external_ref=draw(WORDS),
        confirmed_at=draw(maybe(TIMES)),
        released_at=draw(maybe(TIMES)),
        release_reason=draw(maybe(st.sampled_from(ReleaseReason))),
        sponsored=draw(st.booleans()),
        hold_extended=draw(st.booleans()),
        updated_at=draw(TIMES),
        cap_tally_seq=draw(COUNTS),
    )


def a_scribe() -> translate.Scribe:
    """Make a scribe of the campaign."""
    return translate.Scribe(CAMPAIGN.platform_id, CAMPAIGN.campaign_id)


@given(st.data())
def test_seats_of_one_batch_are_written_as_protobuf_writes_each(data: st.DataObject) -> None:
    scribe, team = a_scribe(), data.draw(teams())
    drawn = [data.draw(seats(team)) for _ in range(3)]
    # others that differ in one thing only: what they have in common is written once
    alike = [
        replace(drawn[0], seat_id=UUID(int=1)),
        replace(drawn[0], external_ref="order-7"),
        replace(drawn[0], cap=77),
        replace(drawn[0], quote=QUOTE, cap_from_quote=True),
    ]
    for seat in drawn + alike + drawn:
        written = types_pb2.Seat.FromString(scribe.seat(seat, "EUR"))
        assert written == translate.seat(seat, "EUR")


@given(st.data())
def test_seats_of_one_shape_keep_the_currency_that_they_are_written_in(data: st.DataObject) -> None:
    scribe, seat = a_scribe(), data.draw(seats(data.draw(teams())))
    other = replace(seat, seat_id=UUID(int=1))
    assert types_pb2.Seat.FromString(scribe.seat(seat, "EUR")) == translate.seat(seat, "EUR")
    assert types_pb2.Seat.FromString(scribe.seat(other, "USD")) == translate.seat(other, "USD")


@given(st.lists(teams(), min_size=1, max_size=4), st.data())
def test_teams_are_written_as_protobuf_writes_them(drawn: list[domain.Team], data: st.DataObject) -> None:
    scribe = a_scribe()
    changed = [replace(team, totals=data.draw(totals), ends_at=data.draw(TIMES)) for team in drawn]
    for team in drawn + changed:
        assert types_pb2.Team.FromString(scribe.team(team, CAMPAIGN.terms)) == translate.team(team, CAMPAIGN.terms)


@given(teams(), st.sampled_from(WITH_SEAT), st.data())
def test_events_carry_their_team_and_seat(team: domain.Team, kind: FactKind, data: st.DataObject) -> None:
    seat, at = data.draw(seats(team)), data.draw(TIMES)
    fact = domain.Fact(kind, team, at, seat, previous_state=SeatState.HELD, amount=5, payment_reference="pay-1")
    told = a_scribe().message(fact, CAMPAIGN.terms, None)
    event = events_pb2.TeamEvent.FromString(told.payload)
    assert getattr(event, event.WhichOneof("fact") or "").seat == translate.seat(seat, CAMPAIGN.currency)
    assert told.fact == f"groupbuy.team_formation.v1.{kind}"
    assert event.event_id == str(told.event_id)
    assert event.sequence == told.sequence == team.version
    assert event.team_id == told.key == translate.team_id(team.campaign_id, team.team_id)
    assert event.campaign_id == translate.campaign_id(team.campaign_id)
    assert event.totals == translate.totals(team.totals)
    assert event.occurred_at == translate.time(at)
    assert types_pb2.TeamState.Name(event.state) == f"TEAM_STATE_{team.state}"


@given(COUNTS, WORDS, TIMES)
def test_fields_are_written_as_protobuf_writes_them(number: int, words: str, at: datetime) -> None:
    numbers = types_pb2.Totals(confirmed_members=number, sponsored_units=number)
    assert whole(1, number) + whole(8, number) == numbers.SerializeToString()
    seat = types_pb2.Seat(seat_id=words, updated_at=translate.time(at))
    assert text(1, words) + moment(19, translate.time(at)) == seat.SerializeToString()
    assert field(1, words.encode()) == (seat.SerializeToString()[: len(field(1, words.encode()))] if words else b"\n\0")


def test_a_time_that_is_not_there_is_left_out() -> None:
    assert moment(3, None) == b""
    assert moment(3, translate.time(START + timedelta(seconds=1))) != b""
