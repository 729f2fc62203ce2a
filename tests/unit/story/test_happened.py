"""Every fact of a team has words in a story, and none of them tells a buyer what is not the buyer's."""

from groupbuy.team_formation.v1 import events_pb2, types_pb2

from deploy.story.happened import WORDS, happened
from tests.support.pricing_lives import EXPIRED, FullLife, a_full_life


def lives() -> list[FullLife]:
    """Lives in which every fact there is happens to Tom or his team."""
    formed, failed = a_full_life(), a_full_life()
    formed.open("mei")
    formed.confirm("mei", "pay-mei")
    formed.wait("tom", quantity=3)
    formed.take_turn("tom")
    formed.extend("tom")
    formed.release("tom", EXPIRED)
    formed.confirm("tom", "pay-tom")
    formed.tip()
    formed.untip()
    formed.sponsor("place")
    formed.leave("mei")
    formed.lead("tom")
    formed.reduce("tom", 1)
    formed.late("tom", "pay-again")
    formed.reschedule()
    formed.form()
    formed.default("tom")
    formed.cancel()
    failed.open("tom")
    failed.fail()
    return [formed, failed]


def test_every_fact_has_words() -> None:
    told = {event.WhichOneof("fact") for life in lives() for event in life.events}
    assert told == set(WORDS)
    for life in lives():
        for event in life.events:
            for buyer in (False, True):
                assert happened(event, life.seat("tom"), buyer=buyer)


def test_a_fact_of_a_newer_engine_is_no_end_of_the_story() -> None:
    told = happened(events_pb2.TeamEvent(sequence=7), types_pb2.Seat(), buyer=False)
    assert told == "something that this version does not know, as version 7"


def story(life: FullLife, *, buyer: bool) -> str:
    return "\n".join(happened(event, life.seat("tom"), buyer=buyer) for event in life.events)


def test_a_buyer_sees_no_reference_no_member_and_no_note() -> None:
    life, _ = lives()
    whole, shown = story(life, buyer=False), story(life, buyer=True)
    for secret in ("pay-tom", "pay-again", "mei", "sold out", "card declined"):
        assert secret in whole
        assert secret not in shown


def test_who_led_before_is_said_to_lead_no_longer() -> None:
    event = events_pb2.TeamEvent(leader_changed=events_pb2.LeaderChanged(previous_seat_id="seat_tom"))
    tom = types_pb2.Seat(seat_id="seat_tom")
    assert happened(event, tom, buyer=True) == "leads the team no longer"
    event.leader_changed.seat.seat_id = "seat_tom"
    assert happened(event, tom, buyer=True) == "leads the team from now on"
