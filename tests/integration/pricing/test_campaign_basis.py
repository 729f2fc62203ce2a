"""A ladder that the whole campaign fills: prices, caps and final lines are those of tallies; one event a tier."""

from random import Random
from uuid import uuid4

import pytest
from groupbuy.pricing.v1 import events_pb2, ladder_pb2, settlements_pb2

from services.chassis.requests import NO_CAMPAIGN, RequestKey
from services.pricing import domain, translate
from services.pricing.handlers import ReportLines, ReportWriter
from tests.support.campaigns import wrong
from tests.support.pricing import PricingService
from tests.support.pricing_histories import play
from tests.support.pricing_lives import FORMED, FullLife, a_full_life, leaders_pay_less
from tests.support.teams import HOLD, PREPAID, price_table

CAMPAIGN_UNITS = ladder_pb2.BASIS_CAMPAIGN_UNITS
STEPS = [(5, 3500), (20, 3000), (300, 2000)]


def lives(count: int, **more: object) -> list[FullLife]:
    """Begin teams of one campaign."""
    campaign, platform = uuid4(), uuid4()
    table = leaders_pay_less(price_table(3990, STEPS, basis=CAMPAIGN_UNITS), 200)
    return [a_full_life(campaign=campaign, platform=platform, table=table, **more) for _ in range(count)]


async def tally(pricing: PricingService, *played: FullLife) -> None:
    """Count the campaign, and have its teams apply the tally as team_formation would."""
    await pricing.tallies.run_once()
    rows = await pricing.rows("SELECT campaign_id, seq, units_of_fill FROM tallies ORDER BY campaign_id, seq")
    last = {row["campaign_id"]: (row["seq"], row["units_of_fill"]) for row in rows}
    for life in played:
        life.tally = last.get(life.campaign, (0, 0))


async def follow(pricing: PricingService, *played: FullLife) -> None:
    """Apply all events so far in one batch; those that were applied before change nothing."""
    await pricing.apply([record for life in played for record in life.records])


async def test_a_tier_crossed_by_hundreds_of_teams_is_one_event(pricing: PricingService) -> None:
    teams = lives(320)
    for life in teams:
        life.open("leader")
        life.confirm("leader")
    for start in range(0, len(teams), 100):
        await follow(pricing, *teams[start : start + 100])
    await tally(pricing, *teams)
    [told] = await pricing.prices()
    assert (told.campaign_id, told.team_id, told.team_version, told.tally_seq) == (teams[0].campaign_id, "", 0, 1)
    fact = told.campaign_price_changed
    assert (fact.old_fill, fact.fill, fact.tier, fact.missing_to_next, fact.ladder_version) == (0, 320, 3, 0, 1)
    assert {(move.old_unit_price, move.new_unit_price) for move in fact.moves} == {(3990, 2000), (3990, 1800)}
    assert fact.explanation.startswith("320 units are confirmed in the whole campaign instead of 0")
    assert not await wrong(pricing)


async def test_a_team_is_settled_at_the_tally_that_contains_its_end(pricing: PricingService) -> None:
    first, second = lives(2, payment_mode=PREPAID)
    first.open("mei", quantity=4)
    first.confirm("mei")
    await follow(pricing, first)
    await tally(pricing, first, second)
    first.join("tom", quantity=2)
    first.form()
    second.open("ana", quantity=20)
    await follow(pricing, first, second)
    assert await pricing.settle() == 0
    assert await pricing.settled() == []

    second.confirm("ana")
    await follow(pricing, second)
    await tally(pricing, second)
    assert await pricing.settle() == 2
    lines = {
        event.settlement_line_recorded.line.member_id: event.settlement_line_recorded.line
        for event in await pricing.settled()
    }
    assert {
        name: (line.cap.minor_units, line.unit_price.minor_units, line.tally_seq) for name, line in lines.items()
    } == {
        "mei": (3990, 2800, 2),  # the leader pays 200 less; 4 units alone reach no tier
        "tom": (3500, 3000, 2),
    }
    [fixed] = (await tallies(pricing))[-1].campaign_tallied.fixed_teams
    assert (fixed.team_id, fixed.team_version) == (first.team_id, first.version)
    second.leave("ana")
    await follow(pricing, second)
    await tally(pricing, second)
    assert {row["fill"] for row in await pricing.rows("SELECT fill FROM teams WHERE tally_seq > 0")} == {26}
    assert not await wrong(pricing)


async def test_an_unpaid_seat_of_a_formed_team_raises_no_price_of_another(pricing: PricingService) -> None:
    first, second = lives(2)
    first.open("mei", quantity=4)
    first.confirm("mei")
    first.join("tom", quantity=2)
    first.form()
    await follow(pricing, first)
    await tally(pricing, first, second)
    first.default("tom")
    await follow(pricing, first)
    await tally(pricing, first, second)
    [told] = await pricing.prices()
    assert (told.tally_seq, told.campaign_price_changed.fill) == (1, 6)
    second.open("ana")
    assert second.seat("ana").cap_fill == 7
    await follow(pricing, second)
    assert await pricing.parked() == {}
    totals = (await tallies(pricing))[-1].campaign_tallied.totals
    assert (totals.units_confirmed_now, totals.units_of_fill) == (4, 6)
    await pricing.settle()
    assert not await wrong(pricing)


async def tallies(pricing: PricingService) -> list[events_pb2.TallyEvent]:
    """What was told of tallies, in order."""
    return [events_pb2.TallyEvent.FromString(payload) for payload in await pricing._told("groupbuy.tally.v1")]


async def test_more_teams_than_one_tally_fixes_are_fixed_by_the_next_ones(
    pricing: PricingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MOST_FIXED", 2)
    teams = lives(5)
    for life in teams:
        life.open("leader")
        life.confirm("leader")
        life.form()
    await follow(pricing, *teams)
    for _ in range(3):
        assert await pricing.tallies.run_once() == 1
    assert await pricing.tallies.run_once() == 0
    assert [len(event.campaign_tallied.fixed_teams) for event in await tallies(pricing)] == [2, 2, 1]
    assert len({event.campaign_tallied.totals.SerializeToString() for event in await tallies(pricing)}) == 1
    assert await pricing.settle() == 5
    assert not await wrong(pricing)


@pytest.mark.parametrize(
    ("tally_seq", "cap_fill", "reason"),
    [
        (9, 5, "the cap was read at tally 9, which the campaign does not have"),
        (1, 4, "with this seat added the fill is 5"),
    ],
)
async def test_a_cap_that_its_tally_does_not_give_is_parked(
    pricing: PricingService, tally_seq: int, cap_fill: int, reason: str
) -> None:
    first, second = lives(2)
    first.open("mei", quantity=4)
    first.confirm("mei")
    await follow(pricing, first)
    await tally(pricing, first)
    second.tally = (tally_seq, cap_fill - 1)
    second.open("ana")
    await follow(pricing, second)
    assert reason in (await pricing.parked())[second.team_id][0]


@pytest.mark.parametrize("seed", range(5))
async def test_final_prices_after_random_histories_are_those_of_the_tally_named(
    pricing: PricingService, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - for tests
    teams = lives(6, payment_mode=chance.choice((HOLD, PREPAID)))
    for life in teams:
        play(life, [(chance.randrange(1000), chance.randrange(1000)) for _ in range(chance.randint(14, 30))])
    waiting = [list(life.records) for life in teams]
    while any(waiting):
        records = [
            chance.choice([left for left in waiting if left]).pop(0)
            for _ in range(chance.randint(1, 12))
            if any(waiting)
        ]
        await pricing.apply(records)
        if chance.random() < 0.4:
            await pricing.tallies.run_once()
        if chance.random() < 0.4:
            await pricing.settle()
    while await pricing.tallies.run_once():
        pass
    await pricing.settle()
    assert await pricing.parked() == {}
    units = {event.sequence: event.campaign_tallied.totals.units_of_fill for event in await tallies(pricing)}
    fixed = {
        team.team_id: event.sequence for event in await tallies(pricing) for team in event.campaign_tallied.fixed_teams
    }
    by_team = {life.team_id: life for life in teams}
    charged = 0
    for event in await pricing.settled():
        line = event.settlement_line_recorded.line
        life = by_team[event.team_id]
        if line.unit_price.minor_units:
            seat = next(s for s in life._seats.values() if s.seat_id == line.seat_id)
            price = life.price(units[fixed[event.team_id]], seat.sku, seat.role)
            assert line.unit_price.minor_units == min(line.cap.minor_units, price)
            assert line.tally_seq == fixed[event.team_id]
            charged += 1
    assert not await wrong(pricing)
    assert charged or not any(life.state == FORMED for life in teams)


async def test_a_report_about_a_team_that_waits_for_its_tally_is_told_behind_the_promised_lines(
    pricing: PricingService,
) -> None:
    [life] = lives(1, payment_mode=PREPAID)
    life.open("mei", quantity=4)
    life.confirm("mei")
    life.join("tom")
    life.join("ana")
    life.leave("ana")
    await follow(pricing, life)
    await tally(pricing)
    life.form()
    await follow(pricing, life)
    [left] = await pricing.settled()

    line = left.settlement_line_recorded.line
    report = settlements_pb2.LineReport(
        line_id=line.line_id, kind=events_pb2.REPORT_KIND_REFUNDED, amount=line.to_refund, reference="ref-1"
    )
    key = RequestKey(NO_CAMPAIGN, life.platform, "ReportSettlement", "once", b"")
    await ReportWriter(pricing.database, pricing.clock).decide([ReportLines(key, translate.read_reports([report]))])
    life.withdraw("tom")
    await follow(pricing, life)
    assert await pricing.settle() == 0
    assert len(await pricing.settled()) == 1
    assert not await wrong(pricing)

    await tally(pricing)
    await pricing.settle()
    told = await pricing.settled()
    assert [event.sequence for event in told] == [1, 2, 3, 4, 5]
    assert [event.WhichOneof("fact") == "settlement_reported" for event in told] == [False] * 3 + [True, False]
    assert not await wrong(pricing)
