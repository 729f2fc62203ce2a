"""An event that contradicts what is stored parks its team with the reason; other teams go on."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from groupbuy.pricing.v1 import ladder_pb2
from groupbuy.team_formation.v1 import events_pb2, types_pb2

from services.chassis import ids
from services.chassis.messages import Record
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife, a_full_life
from tests.support.teams import TeamLife, price_table, record

Twist = Callable[[list[events_pb2.TeamEvent]], None]

# Versions of the life below: 1 opened, 2 mei held, 3 confirmed, 4 tom held, 5 confirmed, 6 tom left, 7 ann held,
# 8 ann expired, 9 mei paid late, 10 failed.


def a_life(**more: object) -> TeamLife:
    life = TeamLife(**more)  # type: ignore[arg-type]
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("tom")
    life.hold("ann")
    life.expire("ann")
    life.late("mei")
    life.fail()
    return life


def at(version: int, change: Callable[[events_pb2.TeamEvent], object]) -> tuple[int, Twist]:
    def twist(events: list[events_pb2.TeamEvent]) -> None:
        change(events[version - 1])

    return version, twist


def put(path: str, value: object) -> Callable[[events_pb2.TeamEvent], None]:
    def change(event: events_pb2.TeamEvent) -> None:
        *way, name = path.split(".")
        target: object = event
        for step in way:
            target = getattr(target, step)
        setattr(target, name, value)

    return change


def other_price(event: events_pb2.TeamEvent) -> None:
    event.team_opened.price_table.rows[0].steps[1].threshold = 0


CONFIRMED = types_pb2.SEAT_STATE_CONFIRMED
HELD = types_pb2.SEAT_STATE_HELD

TWISTS = {
    "cap above the price": (at(4, put("seat_held.seat.cap.minor_units", 3491)), "the cap is 3491"),
    "cap below the price": (at(4, put("seat_held.seat.cap.minor_units", 3489)), "at fill 2 the price table says 3490"),
    "cap at another fill": (at(4, put("seat_held.seat.cap_fill", 1)), "the cap was read at fill 1"),
    "cap in another currency": (at(4, put("seat_held.seat.cap.currency", "USD")), "the amounts are in USD"),
    "item without a row": (at(4, put("seat_held.seat.sku", "melon")), "no row for melon"),
    "no units": (at(4, put("seat_held.seat.quantity", 0)), "at least one unit"),
    "role not said": (at(4, put("seat_held.seat.role", ladder_pb2.ROLE_UNSPECIFIED)), "cannot be read"),
    "totals of held": (at(4, put("totals.held_members", 2)), "we count"),
    "totals of confirmed units": (at(5, put("totals.confirmed_units", 3)), "we count"),
    "totals at the end": (at(10, put("team_failed.totals_at_end.confirmed_members", 2)), "at the end, we count"),
    "state of the team": (at(5, put("state", types_pb2.TEAM_STATE_TIPPED)), "by our own counting the team is FORMING"),
    "state of the team not said": (at(5, put("state", 0)), "cannot be read"),
    "state of the seat": (at(5, put("seat_confirmed.seat.state", HELD)), "which SeatConfirmed does not make it"),
    "amount": (at(5, put("seat_confirmed.amount.minor_units", 1)), "cap times quantity is 3490"),
    "currency of the amount": (at(5, put("seat_confirmed.amount.currency", "USD")), "the amount is in USD"),
    "confirmed after expiry": (
        at(5, put("seat_confirmed.after_expiry", value=True)),
        "that is HELD cannot be confirmed",
    ),
    "changed cap": (at(5, put("seat_confirmed.seat.cap.minor_units", 1)), "the seat keeps the one it has, 3490 at 2"),
    "changed member": (at(6, put("seat_released.seat.member_id", "eva")), "what a seat keeps (member, item"),
    "previous state": (at(6, put("seat_released.previous_state", HELD)), "here it is CONFIRMED"),
    "no reason": (at(8, put("seat_released.seat.release_reason", 0)), "cannot be released with reason none"),
    "expired though confirmed": (
        at(6, put("seat_released.seat.release_reason", types_pb2.RELEASE_REASON_EXPIRED)),
        "a seat that is CONFIRMED cannot be released with reason EXPIRED",
    ),
    "late payment below zero": (at(9, put("late_payment_reported.amount.minor_units", -1)), "below zero"),
    "seat of another campaign": (
        at(4, put("seat_held.seat.seat_id", ids.opaque("seat", uuid4(), uuid4()))),
        "another campaign",
    ),
    "seat unknown": (at(9, put("late_payment_reported.seat.seat_id", "")), "cannot be read"),
    "campaign of another team": (at(4, put("campaign_id", ids.opaque("camp", uuid4()))), "not the campaign in team_id"),
    "another platform": (at(4, put("platform_id", ids.opaque("plat", uuid4()))), "belongs to another platform"),
    "no platform": (at(4, put("platform_id", "acme")), "is no plat id"),
    "payment mode not said": (at(1, put("team_opened.rules.payment_mode", 0)), "cannot be read"),
    "basis not said": (at(1, put("team_opened.price_table.basis", 0)), "cannot be read"),
    "steps that do not ascend": (at(1, other_price), "do not ascend"),
    "opened with totals": (at(1, put("totals.held_members", 1)), "opens empty"),
    "ladder version": (at(1, put("team_opened.price_table.ladder_version", -1)), "ladder version"),
}


@pytest.mark.parametrize("name", TWISTS)
async def test_a_contradiction_parks_its_team_and_others_go_on(pricing: PricingService, name: str) -> None:
    (version, twist), reason = TWISTS[name]
    life, other = a_life(), a_life()
    twist(life.events)
    twisted = [record(event) for event in life.events]
    mixed = [item for pair in zip(twisted, other.records, strict=True) for item in pair]
    await pricing.apply(mixed)
    parked = await pricing.parked()
    assert list(parked) == [twisted[0].key]
    reasons = parked[twisted[0].key]
    assert reason in reasons[0]
    assert reasons[1:] == ["behind a parked event of its key"] * (life.version - version)
    versions = {row["team_id"]: row["version"] for row in await pricing.rows("SELECT team_id, version FROM teams")}
    assert versions.pop(other.team) == other.version
    assert versions == ({life.team: version - 1} if version > 1 else {})


async def test_facts_after_the_end_are_poison_but_for_late_payments(pricing: PricingService) -> None:
    life = a_life()
    life.late("tom")
    life.hold("eva")
    await pricing.apply(life.records)
    assert await pricing.parked() == {life.team_id: ["SeatHeld after the team failed"]}


# Versions of the life below: 1 opened, 2 mei held, 3 confirmed, 4 tom held (3 units), 5 confirmed, 6 ann waits, 7 held,
# 8 hold extended, 9 tom reduced by 1, 10 a sponsored place, 11 tom leads, 12 formed, 13 tom reduced by 1,
# 14 mei defaulted, 15 tom withdrawn, 16 cancelled.


def a_full_history() -> FullLife:
    life = a_full_life()
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=3)
    life.wait("ann")
    life.take_turn("ann")
    life.extend("ann")
    life.reduce("tom", 1)
    life.sponsor("place")
    life.lead("tom")
    life.form()
    life.reduce("tom", 1)
    life.default("mei")
    life.withdraw("tom")
    life.cancel()
    return life


def wait_again(event: events_pb2.TeamEvent) -> None:
    seat = event.seat_held.seat
    event.seat_waitlisted.CopyFrom(events_pb2.SeatWaitlisted(seat=seat))


FULL_TWISTS = {
    "waits for an item without a row": (at(6, put("seat_waitlisted.seat.sku", "melon")), "no row for melon"),
    "waits for nothing": (at(6, put("seat_waitlisted.seat.quantity", 0)), "at least one unit"),
    "waits sponsored": (at(6, put("seat_waitlisted.seat.sponsored", value=True)), "of a seat that is sponsored"),
    "waits twice": (at(7, wait_again), "the seat was taken before"),
    "cap of who waited": (at(7, put("seat_held.seat.cap.minor_units", 1)), "the cap is 1; at fill"),
    "other quantity than waited for": (at(7, put("seat_held.seat.quantity", 2)), "what a seat keeps"),
    "held from no waitlist": (at(4, put("seat_held.from_waitlist", value=True)), "does not come from the waitlist"),
    "held as if new": (at(7, put("seat_held.from_waitlist", value=False)), "the seat was held before"),
    "units that do not add up": (at(9, put("seat_reduced.units", 2)), "what a seat keeps"),
    "reduced before its time": (at(9, put("seat_reduced.after_formed", value=True)), "says after formation"),
    "reduced late": (at(13, put("seat_reduced.after_formed", value=False)), "says before formation"),
    "role out of nowhere": (at(9, put("seat_reduced.seat.role", ladder_pb2.ROLE_LEADER)), "nothing gave it"),
    "sponsored by a member": (at(10, put("seat_sponsored.seat.sponsored", value=False)), "not sponsored"),
    "sponsored and not counted": (at(10, put("totals.sponsored_members", 0)), "we count"),
    "waiting and not counted": (at(6, put("totals.waiting_units", 0)), "we count"),
    "leads as a member": (at(11, put("leader_changed.seat.role", ladder_pb2.ROLE_MEMBER)), "not the leader's role"),
    "left after formation": (
        at(15, put("seat_released.seat.release_reason", types_pb2.RELEASE_REASON_LEFT)),
        "of a formed team that is CONFIRMED cannot be released with reason LEFT",
    ),
    "cancelled before": (at(16, put("team_cancelled.after_formed", value=False)), "says before formation"),
    "cancelled with other totals": (at(16, put("team_cancelled.totals_at_end.confirmed_units", 9)), "at the end"),
}


@pytest.mark.parametrize("name", FULL_TWISTS)
async def test_the_later_facts_are_checked_as_well(pricing: PricingService, name: str) -> None:
    (version, twist), reason = FULL_TWISTS[name]
    life = a_full_history()
    twist(life.events)
    await pricing.apply([record(event) for event in life.events])
    reasons = (await pricing.parked())[life.team_id]
    assert reason in reasons[0]
    assert len(reasons) == life.version - version + 1
    assert [row["version"] for row in await pricing.rows("SELECT version FROM teams")] == [version - 1]


async def test_the_history_that_is_twisted_is_sound(pricing: PricingService) -> None:
    life = a_full_history()
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    life.cancel()
    await pricing.apply(life.records)
    assert await pricing.parked() == {life.team_id: ["TeamCancelled after the team was cancelled"]}


async def test_a_seat_twice_and_a_seat_unknown_are_poison(pricing: PricingService) -> None:
    first, second = TeamLife(), TeamLife()
    for life in (first, second):
        life.open("mei")
        life.confirm("mei")
        life.hold("tom")
    first.events[4 - 1].seat_held.seat.seat_id = first.events[1].seat_held.seat.seat_id
    confirm = second.confirm("tom")
    confirm.seat_confirmed.seat.seat_id = ids.opaque("seat", second.campaign, uuid4())
    await pricing.apply([record(event) for event in [*first.events, *second.events]])
    assert await pricing.parked() == {
        first.team_id: ["the seat was held before"],
        second.team_id: ["the seat is not known"],
    }


async def test_one_version_of_a_ladder_has_one_price_table(pricing: PricingService) -> None:
    first = a_life()
    other = a_life(platform=first.platform, campaign=first.campaign, table=price_table(3990, ((2, 1),)))
    stranger = a_life(campaign=first.campaign)
    records: list[Record] = [*first.records, *other.records, *stranger.records]
    await pricing.apply(records)
    parked = await pricing.parked()
    assert set(parked) == {other.team_id, stranger.team_id}
    assert {reasons[0] for reasons in parked.values()} == {
        "the campaign has another price table of this ladder version, or another platform"
    }
    assert [row["team_id"] for row in await pricing.rows("SELECT team_id FROM teams")] == [first.team]


async def test_a_mended_team_is_redriven_in_order(pricing: PricingService) -> None:
    life = a_life()
    wrong = life.records[3]
    await pricing.apply(life.records[:3])
    life.events[3].seat_held.seat.cap.minor_units = 1
    await pricing.apply([record(life.events[3]), *life.records[4:]])
    assert len((await pricing.parked())[life.team_id]) == life.version - 3
    async with pricing.database.work() as work:
        await work.connection.execute(
            "UPDATE parked_messages SET value = %s WHERE number = (SELECT min(number) FROM parked_messages)",
            (wrong.value,),
        )
    assert await pricing.inbox.redrive("groupbuy.team.v1", life.team_id) == life.version - 3
    assert await pricing.parked() == {}
    assert [row["version"] for row in await pricing.rows("SELECT version FROM teams")] == [life.version]
