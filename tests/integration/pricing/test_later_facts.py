"""What can happen to a team besides joining and leaving, as events through the inbox: what each seat owes then."""

from typing import TypeAlias

import pytest
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.pricing.handlers import settle
from tests.support.pricing import PricingService
from tests.support.pricing_lives import PRICE_CHANGED, FullLife, a_full_life
from tests.support.teams import COMMIT, HOLD, MEMBER, PAY_ON_DELIVERY, PREPAID, UNITS, price_table

TEAM_FORMED = events_pb2.SETTLEMENT_CAUSE_TEAM_FORMED
REDUCED = events_pb2.SETTLEMENT_CAUSE_SEAT_REDUCED
WITHDRAWN = events_pb2.SETTLEMENT_CAUSE_SEAT_WITHDRAWN
DEFAULTED = events_pb2.SETTLEMENT_CAUSE_SEAT_DEFAULTED
CANCELLED = events_pb2.SETTLEMENT_CAUSE_TEAM_CANCELLED
NAMES = ("authorised", "paid", "to_capture", "to_void", "to_keep", "to_refund", "due")

Mode: TypeAlias = types_pb2.PaymentMode.ValueType
Line: TypeAlias = tuple[int, int, int, dict[str, int]]


async def lines_of(pricing: PricingService, member: str) -> list[Line]:
    """Cause, units, unit price and the amounts that are not zero, of each line of a member, in order."""
    assert await pricing.parked() == {}
    told = [event.settlement_line_recorded.line for event in await pricing.settled()]
    assert len({line.line_id for line in told}) == len(told)
    return [
        (
            line.cause,
            line.quantity,
            line.unit_price.minor_units,
            {name: getattr(line, name).minor_units for name in NAMES if getattr(line, name).minor_units},
        )
        for line in told
        if line.member_id == member
    ]


def three(mode: Mode = PREPAID) -> FullLife:
    """Mei, Tom with 2 units at a cap of 34.90, and Ann; the price is 29.90."""
    life = a_full_life(payment_mode=mode)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    life.join("ann")
    return life


CHARGED = {
    COMMIT: {"due": 5980},
    PAY_ON_DELIVERY: {"due": 5980},
    HOLD: {"authorised": 6980, "to_capture": 5980, "to_void": 1000},
    PREPAID: {"paid": 6980, "to_keep": 5980, "to_refund": 1000},
}
TAKEN_BACK = {
    COMMIT: {"due": -2990},
    PAY_ON_DELIVERY: {"due": -2990},
    HOLD: {"to_capture": -2990, "to_void": 2990},
    PREPAID: {"to_keep": -2990, "to_refund": 2990},
}
GIVEN_BACK = {
    COMMIT: {},
    PAY_ON_DELIVERY: {},
    HOLD: {"authorised": 3490, "to_void": 3490},
    PREPAID: {"paid": 3490, "to_refund": 3490},
}


@pytest.mark.parametrize("mode", CHARGED)
async def test_units_given_back_before_and_after_the_team_forms(pricing: PricingService, mode: Mode) -> None:
    life = a_full_life(payment_mode=mode)
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=4)
    life.join("ann")
    life.reduce("tom", 1)
    life.reduce("tom", 1)
    life.form()
    life.reduce("tom", 1)
    life.withdraw("tom")
    await pricing.apply(life.records)
    assert await lines_of(pricing, "tom") == [
        (REDUCED, 1, 0, GIVEN_BACK[mode]),
        (REDUCED, 1, 0, GIVEN_BACK[mode]),
        (TEAM_FORMED, 2, 2990, CHARGED[mode]),
        (REDUCED, -1, 2990, TAKEN_BACK[mode]),
        (WITHDRAWN, -1, 2990, TAKEN_BACK[mode]),
    ]
    formed = next(n for n, event in enumerate(life.events, start=1) if event.HasField("team_formed"))
    assert max(event.team_version for event in await pricing.prices()) < formed


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        (COMMIT, {}, {"due": -5980}),
        (PAY_ON_DELIVERY, {}, {"due": -5980}),
        (HOLD, {"authorised": 6980, "to_void": 6980}, {"to_capture": -5980, "to_void": 5980}),
        (PREPAID, {}, {"paid": -6980, "to_keep": -5980, "to_refund": -1000}),
    ],
)
async def test_money_that_did_not_come(
    pricing: PricingService, mode: Mode, before: dict[str, int], after: dict[str, int]
) -> None:
    early, late = three(mode), three(mode)
    early.default("tom")
    late.form()
    late.default("tom")
    await pricing.apply(early.records)
    assert await lines_of(pricing, "tom") == [(DEFAULTED, 2, 0, before)]
    assert [team["fill"] for team in await pricing.rows("SELECT fill FROM teams")] == [2]
    await pricing.empty()
    await pricing.apply(late.records)
    assert await lines_of(pricing, "tom") == [(TEAM_FORMED, 2, 2990, CHARGED[mode]), (DEFAULTED, -2, 2990, after)]
    assert [team["fill"] for team in await pricing.rows("SELECT fill FROM teams")] == [3]


@pytest.mark.parametrize("mode", CHARGED)
async def test_a_cancelled_team_gives_everything_back_before_and_after_it_formed(
    pricing: PricingService, mode: Mode
) -> None:
    life, formed = three(mode), three(mode)
    life.hold("eva")
    life.wait("leo")
    life.sponsor("place")
    life.cancel()
    formed.form()
    formed.withdraw("ann")
    formed.cancel()
    await pricing.apply(life.records)
    both = {name: 2 * amount for name, amount in GIVEN_BACK[mode].items()}
    assert await lines_of(pricing, "tom") == [(CANCELLED, 2, 0, both)]
    assert [len(await lines_of(pricing, member)) for member in ("mei", "ann", "eva", "leo", "")] == [1, 1, 0, 0, 0]
    await pricing.empty()
    await pricing.apply(formed.records)
    both = {name: 2 * amount for name, amount in TAKEN_BACK[mode].items()}
    assert await lines_of(pricing, "tom") == [(TEAM_FORMED, 2, 2990, CHARGED[mode]), (CANCELLED, -2, 2990, both)]
    assert [line[0] for line in await lines_of(pricing, "ann")] == [TEAM_FORMED, WITHDRAWN]


async def test_who_leads_from_now_on_pays_by_the_leaders_row_and_never_above_the_cap(pricing: PricingService) -> None:
    life = three()
    life.leave("mei")
    life.lead("tom")
    life.join("eva")
    life.form()
    await pricing.apply(life.records)
    assert (await lines_of(pricing, "tom"))[-1][2] == 2990 - 200
    assert (await lines_of(pricing, "ann"))[-1][2] == 2990
    [row] = await pricing.rows("SELECT role, cap_role, cap FROM seats WHERE member_id = 'tom'")
    assert row == {"role": "LEADER", "cap_role": "MEMBER", "cap": 3490}


async def test_a_leader_whose_row_is_dearer_pays_its_cap(pricing: PricingService) -> None:
    table = price_table()
    for step in table.rows[0].steps:
        step.unit_price = 9900
    life = FullLife(table=table)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("mei")
    life.lead("tom")
    life.form()
    await pricing.apply(life.records)
    assert (await lines_of(pricing, "tom"))[-1][2] == 3490


async def test_an_opener_who_pays_late_may_find_another_leading(pricing: PricingService) -> None:
    life = a_full_life()
    life.open("mei")
    life.join("tom")
    life.expire("mei")
    life.lead("tom")
    life.seat("mei").role = MEMBER
    life.confirm("mei")
    life.form()
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    [row] = await pricing.rows("SELECT role, cap_role FROM seats WHERE member_id = 'mei'")
    assert row == {"role": "MEMBER", "cap_role": "LEADER"}


async def test_the_cap_of_who_waited_is_fixed_when_the_turn_comes(pricing: PricingService) -> None:
    life = a_full_life(table=price_table(basis=UNITS))
    life.open("mei")
    life.confirm("mei")
    life.wait("tom", quantity=2)
    life.wait("ann")
    life.wait("eva")
    await pricing.apply(life.records)
    assert {row["cap"] for row in await pricing.rows("SELECT cap FROM seats WHERE state = 'WAITING'")} == {0}
    life.join("leo")
    life.take_turn("tom")
    life.confirm("tom")
    life.release("ann", PRICE_CHANGED)
    life.form()
    await pricing.apply(life.records)
    assert await lines_of(pricing, "tom") == [(TEAM_FORMED, 2, 2990, {"paid": 5980, "to_keep": 5980})]
    assert await lines_of(pricing, "eva") == []
    [team] = await pricing.rows("SELECT waiting_members, waiting_units, confirmed_units FROM teams")
    assert team == {"waiting_members": 0, "waiting_units": 0, "confirmed_units": 4}


async def test_sponsored_places_fill_the_ladder_and_owe_nothing(pricing: PricingService) -> None:
    life = three()
    life.sponsor("place-1")
    life.sponsor("place-2")
    life.form()
    await pricing.apply(life.records)
    assert {line[2] for member in ("tom", "ann") for line in await lines_of(pricing, member)} == {2490}
    assert await lines_of(pricing, "") == []
    [team] = await pricing.rows("SELECT fill, confirmed_members, sponsored_members, settlement_sequence FROM teams")
    assert team == {"fill": 5, "confirmed_members": 5, "sponsored_members": 2, "settlement_sequence": 3}


async def test_a_hold_extended_and_an_end_moved_change_no_money_and_versions_go_on(pricing: PricingService) -> None:
    life = three()
    life.hold("eva")
    life.extend("eva")
    life.reschedule()
    life.reduce("tom", 1)
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    assert [row["version"] for row in await pricing.rows("SELECT version FROM teams")] == [life.version]
    [row] = await pricing.rows("SELECT state, quantity FROM seats WHERE member_id = 'eva'")
    assert row == {"state": "HELD", "quantity": 1}


async def test_fewer_units_before_formation_may_raise_the_price_but_not_above_caps(pricing: PricingService) -> None:
    life = a_full_life(table=price_table(basis=UNITS))
    life.open("mei")
    life.confirm("mei")
    life.join("tom", quantity=2)
    life.reduce("tom", 1)
    life.form()
    await pricing.apply(life.records)
    told = [event.price_changed.fill for event in await pricing.prices() if event.HasField("price_changed")]
    assert told == [3, 2]
    assert (await lines_of(pricing, "tom"))[-1] == (TEAM_FORMED, 1, 2990, {"paid": 2990, "to_keep": 2990})


async def test_members_who_go_while_a_big_team_is_settled_get_both_lines(
    pricing: PricingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "CHUNK", 1)
    life = three()
    life.form()
    life.reduce("tom", 1)
    life.withdraw("mei")
    life.default("ann")
    life.cancel()
    await pricing.apply(life.records)
    assert await lines_of(pricing, "tom") == []
    await pricing.settle()
    assert await lines_of(pricing, "mei") == [
        (TEAM_FORMED, 1, 2790, {"paid": 3990, "to_keep": 2790, "to_refund": 1200}),
        (WITHDRAWN, -1, 2790, {"to_keep": -2790, "to_refund": 2790}),
    ]
    assert await lines_of(pricing, "tom") == [
        (TEAM_FORMED, 2, 2990, CHARGED[PREPAID]),
        (REDUCED, -1, 2990, TAKEN_BACK[PREPAID]),
        (CANCELLED, -1, 2990, TAKEN_BACK[PREPAID]),
    ]
    assert [line[0] for line in await lines_of(pricing, "ann")] == [TEAM_FORMED, DEFAULTED]
    assert [event.sequence for event in await pricing.settled()] == list(range(1, 8))
