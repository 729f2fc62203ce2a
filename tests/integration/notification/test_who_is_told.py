"""Events in, deliveries out: who is told what, once, whatever comes first."""

from itertools import permutations
from uuid import uuid4

import pytest
from groupbuy.notification.v1 import events_pb2
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2

from services.chassis.clock import ManualClock
from services.chassis.messages import Record
from services.notification.handlers import Fanout
from tests.support.database import Database
from tests.support.notifying import Notifying, a_notification, in_batches
from tests.support.prices import FAILED, FORMED, LATE, LEFT, Pricing
from tests.support.teams import COMMIT, TeamLife, record


async def test_joined_goes_to_the_holder_with_cap_and_end_of_the_hold(notification: Notifying) -> None:
    life = TeamLife()
    await notification.put(life.platform, "mei")
    life.open("mei")
    await notification.apply(*life.records)
    rows = await notification.rows(
        "SELECT kind, member_id, state, channel, subject, body, cause_event_id FROM deliveries"
    )
    kind, member, state, channel, subject, body, cause = rows[0]
    assert (len(rows), kind, member, state, channel) == (1, "JOINED", "mei", "PENDING", "console")
    assert subject == "Your seat is kept: Mangoes, 2 kg"
    assert "€39.90" in body
    assert "(UTC+01:00)" in body
    assert str(cause) == life.events[1].event_id


async def test_a_price_that_falls_is_told_to_confirmed_members_but_not_to_who_caused_it(
    notification: Notifying,
) -> None:
    life = TeamLife()
    pricing = Pricing(life)
    life.open("mei")
    life.confirm("mei")
    life.hold("bob")
    life.hold("ann")  # cap 34.90
    life.join("tom")
    life.confirm("ann")  # pays 29.90: less than her cap, and no news to her
    await notification.apply(*life.records, pricing.changed(2, 3, next_fill=5, missing=2))
    told = [told for told in await notification.told() if told[0] not in {"JOINED", "ONE_SEAT_LEFT"}]
    assert told == [("PRICE_FELL", "mei"), ("PRICE_FELL", "tom")]


async def test_a_price_that_rises_is_told_to_those_who_pay_more_only(notification: Notifying) -> None:
    life = TeamLife()
    pricing = Pricing(life)
    life.open("mei")  # cap 39.90
    life.confirm("mei")
    life.join("tom")  # cap 34.90
    life.join("ann")  # cap 29.90
    life.join("bob")  # cap 29.90
    life.leave("bob")
    life.leave("tom")
    await notification.apply(*life.records, pricing.changed(3, 2, next_fill=3, missing=1))
    rose = await notification.rows("SELECT member_id, body FROM deliveries WHERE kind = 'PRICE_ROSE'")
    assert [row[0] for row in rose] == ["mei"]
    assert "never pay more than €39.90" in rose[0][1]


async def test_one_missing_is_told_to_those_it_would_save_something(notification: Notifying) -> None:
    life = TeamLife()
    pricing = Pricing(life)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.join("ann")  # cap 29.90: nothing to gain from the tier at 3
    life.leave("tom")
    await notification.apply(*life.records, pricing.near(2, 3))
    assert [told for told in await notification.told() if told[0] == "ONE_MISSING"] == [("ONE_MISSING", "mei")]


async def test_tipped_and_untipped_go_to_those_confirmed_at_that_moment(notification: Notifying) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    life.hold("ann")
    life.join("tom")
    life.tip()
    life.leave("tom")
    life.untip()
    await notification.apply(*life.records)
    told = [item for item in await notification.told() if item[0] != "JOINED"]
    assert told == [("TIPPED", "mei"), ("TIPPED", "tom"), ("UNTIPPED", "mei")]
    body = (await notification.rows("SELECT body FROM deliveries WHERE kind = 'UNTIPPED'"))[0][0]
    assert "1 of 2 is missing" in body


@pytest.mark.parametrize(
    ("cause", "kind", "amounts", "said"),
    [
        (FORMED, "FORMED", {"unit_price": 2490, "to_keep": 2490, "to_refund": 1500}, "€15.00 comes back"),
        (FAILED, "FAILED", {"to_refund": 3990}, "€39.90 comes back"),
        (LEFT, "LEFT", {"to_void": 3990}, "€39.90 of what you authorised is released"),
        (LATE, "LATE_PAYMENT", {"to_refund": 3990}, "€39.90 comes back"),
    ],
)
async def test_each_settlement_line_is_told_to_its_member(
    notification: Notifying, cause: events_pb2.MessageKind.ValueType, kind: str, amounts: dict[str, int], said: str
) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    line = Pricing(life).line("mei", cause, **amounts)  # type: ignore[arg-type]
    await notification.apply(*life.records, line)
    rows = await notification.rows("SELECT member_id, body FROM deliveries WHERE kind = %s", kind)
    assert [row[0] for row in rows] == ["mei"]
    assert said in rows[0][1]


async def test_a_member_is_written_to_in_its_language_and_others_in_the_campaigns(notification: Notifying) -> None:
    life = TeamLife()
    await notification.put(life.platform, "mei", language="zh-CN")
    life.open("mei")
    life.hold("tom")
    await notification.apply(*life.records)
    rows = await notification.rows("SELECT member_id, language FROM deliveries ORDER BY 1")
    assert [tuple(row) for row in rows] == [("mei", "zh-Hans"), ("tom", "en")]


async def test_who_cannot_be_reached_has_a_suppressed_delivery_and_it_is_told(notification: Notifying) -> None:
    life = TeamLife()
    life.open("mei")
    await notification.put(life.platform, "tom")
    await notification.do("DELETE FROM contact_points")
    life.hold("tom")
    await notification.apply(*life.records)
    rows = await notification.rows("SELECT member_id, state, reason FROM deliveries ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("mei", "SUPPRESSED", "the member is not registered"),
        ("tom", "SUPPRESSED", "the member has no contact point"),
    ]
    ended = await notification.ended()
    assert sorted(event.delivery_ended.member_id for event in ended) == ["mei", "tom"]
    assert {event.delivery_ended.state for event in ended} == {events_pb2.DELIVERY_STATE_SUPPRESSED}
    assert {event.sequence for event in ended} == {1}


def a_story() -> tuple[TeamLife, list[Record], list[Record], list[Record]]:
    """A team whose price falls and rises and that forms: its events, the prices, the lines."""
    life = TeamLife(minimum=3, team=uuid4(), campaign=uuid4())
    pricing = Pricing(life)
    prices: list[Record] = []
    life.open("mei")
    life.confirm("mei")
    prices.append(pricing.near(1, 2))
    life.join("tom")
    prices.append(pricing.changed(1, 2, next_fill=3, missing=1))
    prices.append(pricing.near(2, 3))
    life.join("ann")
    prices.append(pricing.changed(2, 3, next_fill=5, missing=2))
    life.tip()
    life.leave("tom")
    prices.append(pricing.changed(3, 2, next_fill=3, missing=1))
    life.untip()
    left = pricing.line("tom", LEFT, to_refund=3490)
    life.join("bob")
    prices.append(pricing.changed(2, 3, next_fill=5, missing=2))
    life.tip()
    life.form()
    lines = [
        left,
        *(pricing.line(member, FORMED, unit_price=2990, to_keep=2990) for member in ("mei", "ann", "bob")),
    ]
    return life, life.records, prices, lines


COMPARED = "SELECT delivery_id, kind, member_id, cause_event_id, team_version, subject, body FROM deliveries ORDER BY 1"


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_the_order_of_the_topics_changes_nothing(database: Database, clock: ManualClock, size: int) -> None:
    life, *topics = a_story()
    seen = []
    for order in permutations(topics):
        async with a_notification(await database("notification"), clock) as notification:
            await notification.put(life.platform, "mei")
            for records in order:
                for batch in in_batches(records, size):
                    await notification.apply(*batch)
            seen.append(await notification.rows(COMPARED))
            assert await notification.rows("SELECT 1 FROM fanout_jobs") == []
    assert all(rows == seen[0] for rows in seen)
    kinds = [row[1] for row in seen[0]]
    counted = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counted == {
        "JOINED": 4,
        "ONE_MISSING": 3,  # mei alone; then mei and tom
        "PRICE_FELL": 4,  # mei; then mei and tom; after tom left mei again, while ann's cap is that price already
        "PRICE_ROSE": 1,
        "TIPPED": 6,
        "UNTIPPED": 2,
        "LEFT": 1,
        "FORMED": 3,
    }


async def test_replays_change_nothing(notification: Notifying) -> None:
    _, *topics = a_story()
    records = [record for topic in topics for record in topic]
    await notification.apply(*records)
    before, ended = await notification.rows(COMPARED), len(await notification.ended())
    await notification.apply(*records)
    await notification.do("DELETE FROM inbox")
    for batch in in_batches(records, 5):
        await notification.apply(*batch)
    assert await notification.rows(COMPARED) == before
    assert len(await notification.ended()) == ended


async def test_an_event_of_an_unknown_team_is_passed_by(notification: Notifying) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    await notification.apply(*life.records[1:])
    assert await notification.told() == []
    assert await notification.rows("SELECT 1 FROM parked_messages") == []


async def test_a_gap_is_passed_by(notification: Notifying) -> None:
    life = TeamLife()
    life.open("mei")
    life.hold("tom")
    life.hold("ann")
    await notification.apply(life.records[0], life.records[1], life.records[3])
    assert await notification.told() == [("JOINED", "ann"), ("JOINED", "mei")]


async def test_a_price_that_waits_for_ever_is_given_up_when_the_topics_have_forgotten(
    notification: Notifying,
) -> None:
    life = TeamLife()
    life.open("mei")
    await notification.apply(Pricing(life).changed(1, 2))
    assert len(await notification.rows("SELECT 1 FROM fanout_jobs WHERE NOT ready")) == 1
    await notification.events.drop_forgotten()
    assert len(await notification.rows("SELECT 1 FROM fanout_jobs")) == 1
    await notification.do("UPDATE fanout_jobs SET created_at = created_at - interval '15 days'")
    await notification.events.drop_forgotten()
    assert await notification.rows("SELECT 1 FROM fanout_jobs") == []


async def test_a_contradiction_parks_its_key_and_others_go_on(notification: Notifying) -> None:
    life, other = TeamLife(payment_mode=COMMIT), TeamLife()
    life.open("mei")
    stolen = type(life.events[0])()
    stolen.CopyFrom(life.hold("tom"))
    stolen.platform_id = other.platform_id
    other.open("ann")
    await notification.apply(*life.records[:2], record(stolen), *other.records)
    assert await notification.told() == [("JOINED", "ann"), ("JOINED", "mei")]
    parked = await notification.rows("SELECT key, reason FROM parked_messages")
    assert [tuple(row) for row in parked] == [(life.team_id, "the team belongs to another platform")]


async def test_many_members_are_told_in_chunks(notification: Notifying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notification.handlers.fanout.messages_now.__defaults__", (10,))
    life = TeamLife(minimum=25, maximum=100)
    life.open("m0")
    life.confirm("m0")
    for number in range(1, 25):
        life.join(f"m{number}")
    life.tip()
    await notification.apply(*life.records)
    assert "TIPPED" not in {kind for kind, _ in await notification.told()}
    fanout = Fanout(notification.database, notification.clock, chunk=10)
    runs = [await fanout.run_once() for _ in range(4)]
    assert runs == [1, 1, 1, 0]
    told = [member for kind, member in await notification.told() if kind == "TIPPED"]
    assert sorted(told) == sorted(f"m{number}" for number in range(25))
    assert await notification.rows("SELECT 1 FROM fanout_jobs") == []


async def test_what_a_platform_reports_about_a_line_is_no_news_and_no_poison(notification: Notifying) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    await notification.apply(*life.records)
    before = await notification.told()
    event = pricing_pb2.SettlementEvent(
        event_id=str(uuid4()),
        platform_id=life.platform_id,
        sequence=1,
        campaign_id=life.campaign_id,
        team_id=life.team_id,
        team_version=life.version,
        settlement_reported=pricing_pb2.SettlementReported(kind=pricing_pb2.REPORT_KIND_PAID),
    )
    event.occurred_at.CopyFrom(life.events[-1].occurred_at)
    await notification.apply(Record("groupbuy.settlement.v1", life.team_id, event.SerializeToString()))
    assert await notification.told() == before
    assert await notification.rows("SELECT reason FROM parked_messages") == []
    assert await notification.rows("SELECT sequence FROM inbox WHERE topic = 'groupbuy.settlement.v1'") == [(1,)]
