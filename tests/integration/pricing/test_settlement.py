"""Settlement: one balanced line per seat and cause, big teams in chunks, numbered without gaps."""

import asyncio
from collections import Counter

import pytest
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.chassis import ids
from services.pricing.handlers import CHUNK
from tests.support.pricing import PricingService
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID, TeamLife, price_table

FORMED = events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED
FAILED = events_pb2.SETTLEMENT_CAUSE_TEAM_FAILED
LEFT = events_pb2.SETTLEMENT_CAUSE_SEAT_LEFT
LATE = events_pb2.SETTLEMENT_CAUSE_LATE_PAYMENT

NAMES = ("authorised", "paid", "to_capture", "to_void", "to_keep", "to_refund", "due")


def amounts(line: events_pb2.SettlementLine) -> dict[str, int]:
    """The amounts of a line that are not zero."""
    return {name: getattr(line, name).minor_units for name in NAMES if getattr(line, name).minor_units}


async def lines(pricing: PricingService) -> list[events_pb2.SettlementLine]:
    """The lines told, in order."""
    return [event.settlement_line_recorded.line for event in await pricing.settled()]


@pytest.mark.parametrize(
    ("mode", "formed", "returned"),
    [
        (COMMIT, {"due": 5980}, {}),
        (PAY_ON_DELIVERY, {"due": 5980}, {}),
        (HOLD, {"authorised": 6980, "to_capture": 5980, "to_void": 1000}, {"authorised": 6980, "to_void": 6980}),
        (PREPAID, {"paid": 6980, "to_keep": 5980, "to_refund": 1000}, {"paid": 6980, "to_refund": 6980}),
    ],
)
@pytest.mark.parametrize("end", [FORMED, FAILED, LEFT])
async def test_a_seat_in_each_mode(
    pricing: PricingService,
    mode: types_pb2.PaymentMode.ValueType,
    formed: dict[str, int],
    returned: dict[str, int],
    end: events_pb2.SettlementCause.ValueType,
) -> None:
    life = TeamLife(payment_mode=mode)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    life.join("ann")
    cause = life.form() if end == FORMED else life.fail() if end == FAILED else life.leave("tom")
    await pricing.apply(life.records)
    line = next(line for line in await lines(pricing) if line.member_id == "tom")
    assert amounts(line) == (formed if end == FORMED else returned)
    assert line.cause == end
    assert line.cause_event_id == cause.event_id
    assert line.unit_price.minor_units == (2990 if end == FORMED else 0)
    assert (line.cap.minor_units, line.quantity, line.merchant_id) == (3490, 2, "orchard")
    assert line.payment_reference == ("pay-tom-4" if mode in {HOLD, PREPAID} else "")
    seat_id = (ids.parse("seat", line.seat_id, 2) or ())[1]
    assert line.line_id == str(ids.derived_id(seat_id, cause.event_id))


async def test_a_held_seat_has_no_line(pricing: PricingService) -> None:
    life = TeamLife()
    life.open("mei")
    life.hold("tom")
    life.leave("tom")
    life.hold("ann")
    life.expire("ann")
    life.expire("mei")
    life.fail()
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    assert await lines(pricing) == []
    assert await pricing.rows("SELECT * FROM settlement_jobs") == []


async def test_each_late_payment_has_a_line_of_its_own(pricing: PricingService) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    life.hold("tom")
    life.expire("tom")
    life.late("tom", "first")
    life.late("tom", "second")
    life.late("mei", "paid-twice")
    life.fail()
    life.late("mei", "after-the-end")
    await pricing.apply(life.records)
    assert [(line.cause, line.payment_reference, amounts(line)) for line in await lines(pricing)] == [
        (LATE, "first", {"paid": 3490, "to_refund": 3490}),
        (LATE, "second", {"paid": 3490, "to_refund": 3490}),
        (LATE, "paid-twice", {"paid": 3990, "to_refund": 3990}),
        (FAILED, "pay-mei-2", {"paid": 3990, "to_refund": 3990}),
        (LATE, "after-the-end", {"paid": 3990, "to_refund": 3990}),
    ]


async def test_a_member_who_comes_back_is_settled_seat_by_seat(pricing: PricingService) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("tom")
    life.join("tom")
    life.form()
    await pricing.apply(life.records)
    told = [(line.member_id, line.cause, amounts(line)) for line in await lines(pricing)]
    assert told == [
        ("tom", LEFT, {"paid": 3490, "to_refund": 3490}),
        ("mei", FORMED, {"paid": 3990, "to_keep": 3490, "to_refund": 500}),
        ("tom", FORMED, {"paid": 3490, "to_keep": 3490}),
    ]


SEATS = 2_000


def big_team() -> TeamLife:
    """Play a team of 2,000 confirmed seats."""
    life = TeamLife(table=price_table(3990, ((1000, 2990), (2000, 1990))), maximum=SEATS)
    life.open("m0")
    life.confirm("m0")
    for n in range(1, SEATS):
        life.join(f"m{n}")
    return life


async def test_a_big_team_is_settled_in_chunks_and_late_payments_wait_their_turn(pricing: PricingService) -> None:
    life = big_team()
    life.form()
    formed = life.version
    life.late("m7", "paid-again")
    for at in range(0, len(life.records), CHUNK):
        await pricing.apply(life.records[at : at + CHUNK])
    assert await pricing.parked() == {}
    assert await lines(pricing) == []
    assert [job["lines"] for job in await pricing.rows("SELECT lines FROM settlement_jobs ORDER BY version")] == [
        2000,
        1,
    ]
    seen = []
    while made := await pricing.settlements.run_once():
        seen.append(made)
    assert seen == [CHUNK] * (SEATS // CHUNK) + [1]
    assert await pricing.rows("SELECT * FROM settlement_jobs") == []
    told = await pricing.settled()
    assert [event.sequence for event in told] == list(range(1, SEATS + 2))
    made_lines = [event.settlement_line_recorded.line for event in told]
    assert [line.member_id for line in made_lines] == [f"m{n}" for n in range(SEATS)] + ["m7"]
    assert Counter(line.cause for line in made_lines) == {FORMED: SEATS, LATE: 1}
    assert {line.unit_price.minor_units for line in made_lines[:SEATS]} == {1990}
    assert {event.team_version for event in told[:SEATS]} == {formed}
    sums = await pricing.rows(
        "SELECT sum(paid)::bigint AS paid, sum(to_keep)::bigint AS kept, sum(to_refund)::bigint AS back"
        " FROM settlement_lines WHERE cause = 'TEAM_FORMED'"
    )
    assert sums == [
        {
            "paid": sum(life.seat(f"m{n}").cap.minor_units for n in range(SEATS)),
            "kept": SEATS * 1990,
            "back": sums[0]["paid"] - SEATS * 1990,
        }
    ]


async def test_a_settlement_that_was_interrupted_goes_on(pricing: PricingService) -> None:
    life = big_team()
    life.fail()
    for at in range(0, len(life.records), CHUNK):
        await pricing.apply(life.records[at : at + CHUNK])
    await pricing.settlements.run_once()
    assert len(await lines(pricing)) == CHUNK
    after_restart = PricingService(pricing.database)
    assert await after_restart.settle() == SEATS - CHUNK
    made = await lines(pricing)
    assert len({line.line_id for line in made}) == len(made) == SEATS
    assert {line.to_refund.minor_units - line.cap.minor_units for line in made} == {0}


async def test_two_finders_at_once_make_each_line_once(pricing: PricingService) -> None:
    life = big_team()
    life.form()
    for at in range(0, len(life.records), CHUNK):
        await pricing.apply(life.records[at : at + CHUNK])
    other = PricingService(pricing.database)
    await asyncio.gather(pricing.settle(), other.settle())
    assert [event.sequence for event in await pricing.settled()] == list(range(1, SEATS + 1))


async def test_a_team_that_cannot_be_settled_does_not_hold_up_the_others(pricing: PricingService) -> None:
    broken, sound = big_team(), big_team()
    for life in (broken, sound):
        life.form()
        for at in range(0, len(life.records), CHUNK):
            await pricing.apply(life.records[at : at + CHUNK])
    async with pricing.database.read() as connection:
        await connection.execute("UPDATE seats SET sku = 'gone' WHERE team_id = %s", (broken.team,))
    assert await pricing.settle() == SEATS
    assert [job["team_id"] for job in await pricing.rows("SELECT team_id FROM settlement_jobs")] == [broken.team]
