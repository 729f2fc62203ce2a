"""The small values: ids, page tokens, traces, clocks, topics, messages."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from groupbuy.team_formation.v1 import events_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import ids, messages, outbox, pages, trace
from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.chassis.messages import Record, Undecodable
from services.chassis.topics import consumed_by, topics
from tests.support.outbox import TOPIC, team_event, told

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.uuids(), min_size=1, max_size=3))
def test_an_opaque_id_is_read_again_and_only_as_what_it_is(parts: list[UUID]) -> None:
    text = ids.opaque("team", *parts)
    assert ids.parse("team", text, len(parts)) == tuple(parts)
    assert ids.parse("seat", text, len(parts)) is None
    assert ids.parse("team", text, len(parts) + 1) is None
    assert ids.parse("team", text[:-1], len(parts)) is None
    assert ids.parse("team", text + "A", len(parts)) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_ids_and_tokens(text: str) -> None:
    found = ids.parse("team", f"team_{text}", 2)
    assert found is None or ids.opaque("team", *found) == f"team_{text}"
    if text:
        with pytest.raises(Rejected, match="PAGE_TOKEN_INVALID"):
            pages.read(text, "list")


def test_an_id_has_one_way_to_be_written() -> None:
    text = ids.opaque("team", UUID(int=0))
    assert text.endswith("A")
    assert ids.parse("team", text[:-1] + "B", 1) is None


def test_derived_ids_follow_from_their_cause() -> None:
    cause = uuid4()
    assert ids.derived_id(cause, "a", 1) == ids.derived_id(cause, "a", 1)
    assert ids.derived_id(cause, "a", 1) != ids.derived_id(cause, "a", 2)
    assert ids.derived_id(cause, 1) != ids.derived_id(uuid4(), 1)


def test_new_ids_grow() -> None:
    made = [ids.new_id() for _ in range(100)]
    assert made == sorted(made)


@given(st.text(max_size=40).filter(lambda text: "\0" not in text))
def test_a_page_token_belongs_to_one_list(position: str) -> None:
    token = pages.token(position, "seats of team_a")
    assert pages.read(token, "seats of team_a") == position
    with pytest.raises(Rejected, match="PAGE_TOKEN_INVALID"):
        pages.read(token, "seats of team_b")


def test_page_sizes() -> None:
    assert [pages.size(asked) for asked in (0, 1, 1000)] == [100, 1, 1000]
    assert pages.read("", "any") is None
    for asked in (-1, 1001):
        with pytest.raises(Rejected, match="INVALID_ARGUMENT"):
            pages.size(asked)


@pytest.mark.parametrize("given_one", [None, "", "00-0-0-0", f"00-{'0' * 32}-{'1' * 16}-01", f"01-{'1' * 32}-x"])
def test_a_trace_begins_where_none_came(given_one: str | None) -> None:
    begun = trace.enter(given_one)
    assert begun != given_one
    assert trace.enter(begun) == trace.current() == begun
    assert trace.trace_id() == begun[3:35]


def test_a_platforms_clock_goes_ahead_and_never_back() -> None:
    clock, mine, other = ManualClock(NOW), uuid4(), uuid4()
    clock.set_ahead(mine, timedelta(days=2))
    assert (clock.now(), clock.now(other), clock.now(mine)) == (NOW, NOW, NOW + timedelta(days=2))
    assert clock.ahead() == {mine: NOW + timedelta(days=2)}
    assert (clock.lead(mine), clock.lead(other)) == (timedelta(days=2), timedelta())
    clock.move(timedelta(hours=1))
    assert clock.now(mine) == NOW + timedelta(days=2, hours=1)
    clock.set_ahead(mine, timedelta(days=1))
    clock.keep_only({mine: timedelta(hours=1), other: timedelta(days=3)}, {mine})
    assert clock.now(mine) == NOW + timedelta(days=2, hours=1)
    assert set(clock.ahead()) == {mine, other}
    clock.keep_only({other: timedelta(days=3)}, {other})
    assert set(clock.ahead()) == {mine, other}, "it was moved after it was asked whose clock is ahead"
    clock.keep_only({other: timedelta(days=3)}, {mine, other})
    assert (clock.now(mine), set(clock.ahead())) == (clock.now(), {other})


async def test_a_move_of_a_platforms_clock_wakes_who_waits_for_it() -> None:
    clock, mine = ManualClock(NOW), uuid4()
    before = clock.moves
    waiting = asyncio.create_task(clock.moved(before, 60))
    await asyncio.sleep(0)
    clock.set_ahead(mine, timedelta(days=1))
    await waiting
    await clock.moved(before, 60)  # what was moved meanwhile needs no waiting
    clock.set_ahead(mine, timedelta(hours=1))
    assert clock.moves == before + 1


def test_topics_name_their_owners_and_readers() -> None:
    assert topics()[TOPIC].owner == "team_formation"
    assert TOPIC in consumed_by("pricing")
    assert "groupbuy.settlement.v1" in consumed_by("team_formation")
    assert topics()["groupbuy.platform.v1"].configs(1) == {"cleanup.policy": "compact"}
    assert topics()[TOPIC].configs(3) == {
        "cleanup.policy": "delete",
        "retention.ms": "1209600000",
        "segment.ms": "86400000",
        "min.insync.replicas": "2",
    }


def test_a_message_is_decoded_to_the_event_it_was() -> None:
    item = told("team_a", 3)
    headers = tuple(messages.headers(item))
    event = messages.decode(Record(TOPIC, item.key, item.payload, headers))
    assert (event.event_id, event.sequence) == (item.event_id, 3)
    assert event.read_as(events_pb2.TeamEvent).team_id == "team_a"
    assert event.record.header("ce_type") == item.fact == "groupbuy.team_formation.v1.TeamOpened"
    assert event.record.header("nothing") == ""


def test_a_message_keeps_the_trace_under_way() -> None:
    traceparent = trace.enter(None)
    item = told("team_a", 1)
    assert (trace.HEADER, traceparent.encode()) in messages.headers(item)


def test_what_cannot_be_told_is_noticed_before_it_is_stored() -> None:
    event = team_event("team_a", 1)
    with pytest.raises(ValueError, match=r"groupbuy.campaign.v1 carries .*CampaignEvent"):
        messages.message("groupbuy.campaign.v1", "team_a", event)
    event.sequence = 0
    with pytest.raises(ValueError, match="sequence"):
        messages.message(TOPIC, "team_a", event)
    event.ClearField("team_opened")
    with pytest.raises(ValueError, match="fact"):
        messages.message(TOPIC, "team_a", event)


@given(st.binary(max_size=80))
def test_no_bytes_break_the_decoding(value: bytes) -> None:
    try:
        event = messages.decode(Record(TOPIC, "a", value))
    except Undecodable:
        return
    assert event.sequence >= 1


@given(st.integers(-(2**40), 2**40), st.integers(-(2**31), 2**31 - 1))
def test_a_time_is_read_as_protobuf_reads_it(seconds: int, nanos: int) -> None:
    given = Timestamp(seconds=seconds, nanos=nanos)
    event = team_event("a", 1)
    event.occurred_at.CopyFrom(given)
    record = Record(TOPIC, "a", event.SerializeToString())
    try:
        expected = given.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        with pytest.raises(Undecodable):
            messages.decode(record)
    else:
        assert messages.decode(record).occurred_at == expected


def test_a_key_has_one_shard_for_ever() -> None:
    assert [outbox.shard_of(key) for key in ("team_a", "team_b", "team_c", "camp_x")] == [1, 3, 1, 1]
