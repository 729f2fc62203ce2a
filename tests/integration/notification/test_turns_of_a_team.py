"""Waitlist, parts given back, sponsored places, new leaders, cancelled and moved teams: who is told, each once."""

from datetime import timedelta

import pytest
from groupbuy.pricing.v1 import events_pb2 as pricing_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.notification.handlers import Fanout
from tests.support.notifying import Notifying, in_batches
from tests.support.prices import FORMED, Pricing
from tests.support.team_turns import TeamTurns
from tests.support.teams import COMMIT, HOLD, PREPAID, price_table

PRICE_CHANGED = types_pb2.RELEASE_REASON_PRICE_CHANGED
WITHDRAWN = types_pb2.RELEASE_REASON_WITHDRAWN
CAUSES = pricing_pb2.SettlementCause


async def told_of(notification: Notifying, life: TeamTurns, *besides: str) -> list[tuple[str, str]]:
    """Apply what the team told, twice and in two ways: who was told what besides that seats are kept or one is left."""
    await notification.apply(*life.records)
    first = await notification.told()
    await notification.do("DELETE FROM inbox")
    await notification.do("DELETE FROM seats")
    await notification.do("DELETE FROM teams")
    for batch in in_batches(life.records, 1):
        await notification.apply(*batch)
    assert await notification.told() == first
    assert await notification.rows("SELECT topic, reason FROM parked_messages") == []
    assert await notification.rows("SELECT 1 FROM fanout_jobs") == []
    return [item for item in first if item[0] not in {"JOINED", "ONE_SEAT_LEFT", *besides}]


async def body(notification: Notifying, kind: str, member: str) -> str:
    rows = await notification.rows("SELECT body FROM deliveries WHERE kind = %s AND member_id = %s", kind, member)
    assert len(rows) == 1
    return str(rows[0][0])


def a_full_team(minimum: int = 2, maximum: int = 2) -> TeamTurns:
    """A team of two that is certain."""
    life = TeamTurns(minimum=minimum, maximum=maximum)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.tip()
    return life


async def test_who_waits_is_told_so_and_then_that_a_seat_became_free(notification: Notifying) -> None:
    life = a_full_team()
    life.wait("ann")
    life.leave("tom")
    life.untip()
    life.seat_waiting("ann")
    assert await told_of(notification, life, "TIPPED", "UNTIPPED") == [("SEAT_FREE", "ann"), ("WAITLISTED", "ann")]
    assert ("JOINED", "ann") not in await notification.told()
    said = await body(notification, "SEAT_FREE", "ann")
    assert "never pay more than €34.90" in said
    assert "for you until Mar 1, 2026" in said


async def test_who_leaves_the_waitlist_is_told_nothing_more(notification: Notifying) -> None:
    life = a_full_team()
    life.wait("ann")
    life.release("ann")
    life.form()
    assert await told_of(notification, life, "TIPPED") == [("WAITLISTED", "ann")]


async def test_a_turn_at_a_price_above_the_limit_is_told(notification: Notifying) -> None:
    life = a_full_team()
    life.wait("ann")
    life.leave("tom")
    life.release("ann", PRICE_CHANGED)
    life.fail()
    assert await told_of(notification, life, "TIPPED") == [("PRICED_OUT", "ann"), ("WAITLISTED", "ann")]


@pytest.mark.parametrize("end", ["form", "fail"])
async def test_the_end_is_told_to_all_who_still_wait_and_to_nobody_else(notification: Notifying, end: str) -> None:
    life = a_full_team()
    for member in ("ann", "bob", "eve"):
        life.wait(member)
    life.release("eve")
    getattr(life, end)()
    told = await told_of(notification, life, "TIPPED", "WAITLISTED")
    assert told == [("WAITED_IN_VAIN", "ann"), ("WAITED_IN_VAIN", "bob")]


@pytest.mark.parametrize(("mode", "paid"), [(PREPAID, "yes"), (COMMIT, "")])
async def test_a_reduced_seat_says_what_remains(
    notification: Notifying, mode: types_pb2.PaymentMode.ValueType, paid: str
) -> None:
    life = TeamTurns(payment_mode=mode, maximum=9)
    life.open("mei", quantity=4)
    life.confirm("mei")
    life.reduce("mei", 1)
    assert await told_of(notification, life) == [("REDUCED", "mei")]
    said = await body(notification, "REDUCED", "mei")
    assert "gave back 1 unit; 3 remain yours" in said
    assert ("what comes back" in said) == bool(paid)
    rows = await notification.rows("SELECT quantity, confirmed_version, reduced_version FROM seats")
    assert [tuple(row) for row in rows] == [(3, 3, 4)]
    assert (await notification.rows("SELECT fill_version FROM teams"))[0][0] == 4


async def test_a_hold_or_a_wait_can_be_reduced_too_and_an_extended_hold_is_no_message(notification: Notifying) -> None:
    life = TeamTurns(maximum=1)
    life.open("mei", quantity=3)
    life.extend("mei")
    life.wait("ann", quantity=3)
    life.reduce("mei", 2)
    life.reduce("ann", 1)
    assert await told_of(notification, life) == [("REDUCED", "ann"), ("REDUCED", "mei"), ("WAITLISTED", "ann")]
    assert "never pay" not in await body(notification, "REDUCED", "ann")
    assert "€39.90" in await body(notification, "REDUCED", "mei")
    until = (await notification.rows("SELECT hold_until FROM seats WHERE member_id = 'mei'"))[0][0]
    assert until == life.seat("mei").hold_until.ToDatetime(until.tzinfo)
    assert (await notification.rows("SELECT fill_version FROM teams"))[0][0] == 0


async def test_money_that_did_not_come_is_told_to_its_member_alone_without_the_books_reason(
    notification: Notifying,
) -> None:
    life = a_full_team(minimum=1)
    pricing = Pricing(life)
    life.default("tom", reason="chargeback, second time")
    life.form()
    life.default("mei", reason="card expired")
    assert await told_of(notification, life, "TIPPED") == [("DEFAULTED", "mei"), ("DEFAULTED", "tom")]
    for text in await notification.rows("SELECT subject || body FROM deliveries"):
        assert "chargeback" not in text[0]
        assert "card" not in text[0]
    await notification.apply(pricing.line("tom", CAUSES.SETTLEMENT_CAUSE_SEAT_DEFAULTED, to_void=3490))
    assert "PAYMENT_CHANGED" not in {kind for kind, _ in await notification.told()}


async def test_sponsored_places_are_nobodys_and_are_named_where_the_team_is_certain_and_formed(
    notification: Notifying,
) -> None:
    life = TeamTurns(minimum=3, maximum=4)
    pricing = Pricing(life)
    life.open("mei")
    life.confirm("mei")
    life.sponsor()
    life.sponsor()
    life.tip()
    life.sponsor()
    life.form()
    assert await told_of(notification, life) == [("TIPPED", "mei")]
    assert "2 of its places are sponsored by the platform" in await body(notification, "TIPPED", "mei")
    line = pricing.line("mei", FORMED, unit_price=2990, to_keep=2990)
    await notification.apply(line, pricing.line("", FORMED))
    assert "3 of the team's places are sponsored" in await body(notification, "FORMED", "mei")
    assert {member for _, member in await notification.told()} == {"mei"}
    assert await notification.rows("SELECT member_id FROM seats") == [("mei",)]
    assert await notification.rows("SELECT topic, reason FROM parked_messages") == []


async def test_a_new_leader_alone_is_told_and_nobody_who_left_is_named(notification: Notifying) -> None:
    life = TeamTurns(maximum=4, minimum=3)
    life.rules.leader_reward.minor_units = 500
    life.rules.leader_reward.currency = "EUR"
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("mei")
    life.lead("tom", "mei")
    life.join("ann")
    life.leave("tom")
    life.lead(None, "tom")
    assert await told_of(notification, life) == [("LEADING", "tom")]
    said = await body(notification, "LEADING", "tom")
    assert "never pay more than €34.90" in said
    assert "gets €5.00 besides" in said
    assert "mei" not in said
    assert (await notification.rows("SELECT role FROM seats WHERE member_id = 'tom'"))[0][0] == "LEADER"


async def test_a_new_leader_is_told_of_the_leaders_price(notification: Notifying) -> None:
    table = price_table()
    for step in table.rows[0].steps:
        step.unit_price -= 100 * step.tier
    life = TeamTurns(maximum=9, minimum=4, table=table)
    pricing = Pricing(life)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("mei")
    life.lead("tom", "mei")
    life.join("ann")
    await notification.apply(*life.records, pricing.changed(1, 2, next_fill=3, missing=1))
    assert [item for item in await notification.told() if item[0] == "PRICE_FELL"] == [("PRICE_FELL", "tom")]
    assert "now pay €33.90 instead of €34.90" in await body(notification, "PRICE_FELL", "tom")


async def test_a_cancelled_team_is_told_to_every_live_seat_with_the_reason(notification: Notifying) -> None:
    life = a_full_team(maximum=3)
    life.hold("bob")
    life.join("eve")
    life.leave("eve")
    life.hold("kim")
    life.expire("kim")
    life.wait("ann")
    life.cancel(reason="The orchard was\nhit by hail.")
    told = await told_of(notification, life, "TIPPED", "WAITLISTED")
    assert told == [("CANCELLED", member) for member in ("ann", "bob", "mei", "tom")]
    said = {member: await body(notification, "CANCELLED", member) for member in ("ann", "bob", "mei")}
    assert all("The reason: The orchard was hit by hail." in text for text in said.values())
    assert "waitlist" in said["ann"]
    assert "comes back" not in said["ann"] + said["bob"]
    assert "tells you what comes back" in said["mei"]
    assert (await notification.rows("SELECT state FROM teams"))[0][0] == "CANCELLED"


async def test_cancelling_after_formation_is_told_to_those_who_still_have_a_seat(notification: Notifying) -> None:
    life = a_full_team(maximum=3)
    pricing = Pricing(life)
    life.wait("ann")
    life.join("eve")
    life.form()
    life.release("tom", WITHDRAWN)
    life.default("eve")
    life.cancel()
    told = await told_of(notification, life, "TIPPED", "WAITLISTED")
    assert told == [("CANCELLED", "mei"), ("DEFAULTED", "eve"), ("WAITED_IN_VAIN", "ann"), ("WITHDRAWN", "tom")]
    assert "tells you what comes back" in await body(notification, "WITHDRAWN", "tom")
    await notification.apply(pricing.line("mei", CAUSES.SETTLEMENT_CAUSE_TEAM_CANCELLED, to_keep=-3490, to_refund=3490))
    assert "€34.90 comes back to you" in await body(notification, "PAYMENT_CHANGED", "mei")


async def test_seats_that_are_cancelled_below_the_minimum_are_told_once_though_the_team_is_given_up_later(
    notification: Notifying,
) -> None:
    life = a_full_team()
    life.form()
    life.default("tom")
    life.cancel_seats()
    life.late("mei", "paid-again")
    life.cancel("recall")
    told = await told_of(notification, life, "TIPPED")
    assert told == [("CANCELLED", "mei"), ("DEFAULTED", "tom")]
    assert (await notification.rows("SELECT state FROM teams"))[0][0] == "CANCELLED"


LIVE = ("ann", "bob", "mei")


@pytest.mark.parametrize(
    ("later", "who"),
    [
        (timedelta(hours=2), LIVE),
        (timedelta(seconds=61), LIVE),
        (timedelta(seconds=60), ()),
        (timedelta(seconds=-1), LIVE),
        (timedelta(hours=-20), LIVE),
        (timedelta(), ()),
    ],
)
async def test_a_moved_end_is_told_to_live_seats_if_it_is_sooner_or_much_later(
    notification: Notifying, later: timedelta, who: tuple[str, ...]
) -> None:
    life = a_full_team(maximum=3)
    life.hold("bob")
    life.leave("tom")
    life.wait("ann")
    life.reschedule(life.ends_at + later)
    assert await told_of(notification, life, "TIPPED", "WAITLISTED") == [("RESCHEDULED", member) for member in who]
    ends_at = (await notification.rows("SELECT ends_at FROM teams"))[0][0]
    assert ends_at == life.ends_at


async def test_a_moved_end_is_written_in_the_campaigns_zone_and_the_newest_is_stated(notification: Notifying) -> None:
    life = a_full_team()
    life.reschedule(life.ends_at.replace(hour=20, minute=15))
    await notification.apply(*life.records)
    said = await body(notification, "RESCHEDULED", "mei")
    assert "open until Mar 2, 2026 9:15" in said.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "(UTC+01:00)" in said


@pytest.mark.parametrize(
    ("cause", "amounts", "said"),
    [
        (CAUSES.SETTLEMENT_CAUSE_SEAT_REDUCED, {"to_void": 3990}, "€39.90 of what you authorised is released"),
        (CAUSES.SETTLEMENT_CAUSE_SEAT_WITHDRAWN, {"due": -2490}, "€24.90 does not have to be paid any more"),
        (CAUSES.SETTLEMENT_CAUSE_TEAM_CANCELLED, {}, None),
        (4711, {"to_refund": 100, "due": 200}, "€1.00 comes back to you"),
        (4711, {}, None),
    ],
)
async def test_lines_of_other_causes_tell_the_money_where_any_moves(
    notification: Notifying, cause: int, amounts: dict[str, int], said: str | None
) -> None:
    life = TeamTurns(payment_mode=HOLD)
    life.open("mei")
    life.confirm("mei")
    line = Pricing(life).line("mei", cause, **amounts)  # type: ignore[arg-type]
    await notification.apply(*life.records, line, line)
    assert await notification.rows("SELECT reason FROM parked_messages") == []
    kinds = [kind for kind, _ in await notification.told()]
    assert kinds == (["JOINED", "PAYMENT_CHANGED"] if said else ["JOINED"])
    if said is not None:
        assert said in await body(notification, "PAYMENT_CHANGED", "mei")


async def test_a_big_cancelled_team_is_told_in_chunks(notification: Notifying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notification.handlers.fanout.messages_now.__defaults__", (10,))
    life = TeamTurns(minimum=25, maximum=20)
    life.open("m0")
    life.confirm("m0")
    for number in range(1, 20):
        life.hold(f"m{number}")
    for number in range(20, 25):
        life.wait(f"m{number}")
    life.cancel()
    await notification.apply(*life.records)
    assert "CANCELLED" not in {kind for kind, _ in await notification.told()}
    fanout = Fanout(notification.database, notification.clock, chunk=10)
    assert [await fanout.run_once() for _ in range(4)] == [1, 1, 1, 0]
    told = [member for kind, member in await notification.told() if kind == "CANCELLED"]
    assert sorted(told) == sorted(f"m{number}" for number in range(25))


async def test_who_waits_still_in_a_formed_team_is_told_what_becomes_of_it(notification: Notifying) -> None:
    life = a_full_team()
    for member in ("ann", "kim", "lin"):
        life.wait(member)
    life.confirm("tom")
    life.form(waitlist_stays=True)
    life.default("tom")
    life.fill_place("ann")
    life.release("kim", types_pb2.RELEASE_REASON_TEAM_ENDED)
    life.cancel("recall")
    assert await told_of(notification, life, "TIPPED", "WAITLISTED") == [
        ("CANCELLED", "ann"),
        ("CANCELLED", "lin"),
        ("CANCELLED", "mei"),
        ("DEFAULTED", "tom"),
        ("WAITED_IN_VAIN", "kim"),
    ]
