"""A ladder that the whole campaign fills: its fill is read at tallies, for caps, prices and lines of formed teams."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from groupbuy.pricing.v1 import events_pb2

from services.chassis.messages import Record
from tests.support.campaigns import Campaign, opened, wrong
from tests.support.pricing import PricingService
from tests.support.pricing_histories import Oracle, play
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT, HOLD, PAY_ON_DELIVERY, PREPAID, TeamLife

MODES = (COMMIT, HOLD, PREPAID, PAY_ON_DELIVERY)


@pytest.fixture
def campaign() -> Campaign:
    return Campaign()


async def lines_of(pricing: PricingService, life: TeamLife) -> list[events_pb2.SettlementLine]:
    """The lines of a team, in order."""
    settled = await pricing.settled()
    return [event.settlement_line_recorded.line for event in settled if event.team_id == life.team_id]


async def test_within_a_tier_nothing_is_told(pricing: PricingService, campaign: Campaign) -> None:
    for _ in range(2):
        await pricing.apply(opened(campaign, 3).records)
        await campaign.tally(pricing)
    assert [event.campaign_price_changed.fill for event in await pricing.prices()] == [3]


async def test_one_missing_unit_is_told_once_until_the_campaign_moved_away(
    pricing: PricingService, campaign: Campaign
) -> None:
    async def come_to(*lives: FullLife) -> None:
        await pricing.apply([record for life in lives for record in life.records])
        await campaign.tally(pricing)

    first = opened(campaign, 9)
    await come_to(first)
    holder = campaign.team()
    holder.open("tom")
    await come_to(holder)  # a tally more, and the same fill
    second = opened(campaign, 3)
    second.reduce("mei", 2)
    await come_to(second)  # 10: the tier is reached
    first.reduce("mei", 1)
    await come_to(first)  # 9 again, because somebody gave something back
    first.reduce("mei", 1)
    await come_to(first)  # 8: away
    third = opened(campaign, 1)
    await come_to(third)  # 9 again, because somebody came
    told = await pricing.prices()
    facts = [(event.WhichOneof("fact"), event.tally_seq, event.sequence) for event in told]
    moved, near = "campaign_price_changed", "campaign_next_tier_came_near"
    assert facts == [(moved, 1, 1), (near, 1, 2), (moved, 3, 3), (moved, 4, 4), (near, 6, 5)]
    fact = told[1].campaign_next_tier_came_near
    assert (told[1].campaign_id, told[1].team_id, told[1].team_version) == (first.campaign_id, "", 0)
    assert (fact.fill, fact.next_threshold, fact.ladder_version, fact.currency) == (9, 10, 1, "EUR")
    assert {(m.old_unit_price, m.new_unit_price, m.next_unit_price) for m in fact.moves} == {
        (3490, 3490, 2990),
        (3440, 3440, 2940),
    }
    assert fact.cause_event_id == (await pricing.tallied())[0].event_id
    assert len({event.event_id for event in told}) == len(told)


async def test_a_cap_names_its_tally_and_pricing_agrees(pricing: PricingService, campaign: Campaign) -> None:
    await pricing.apply(opened(campaign, 9).records)
    await campaign.tally(pricing)
    life = opened(campaign, 1)
    assert (life.seat("mei").cap_fill, life.seat("mei").cap_tally_seq, life.seat("mei").cap.minor_units) == (
        10,
        1,
        2940,
    )
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    stored = await pricing.rows("SELECT cap, cap_fill, cap_tally_seq FROM seats ORDER BY cap_tally_seq")
    assert [tuple(row.values()) for row in stored] == [(3440, 9, 0), (2940, 10, 1)]


async def test_a_tally_of_another_campaign_gives_no_cap(pricing: PricingService, campaign: Campaign) -> None:
    await pricing.apply(opened(campaign, 9).records)
    await campaign.tally(pricing)
    other = Campaign()
    other.tallied = campaign.tallied
    life = opened(other, 1)
    await pricing.apply(life.records)
    assert "which the campaign does not have" in (await pricing.parked())[life.team_id][0]


async def test_a_formed_team_is_settled_at_the_tally_that_contains_its_end(
    pricing: PricingService, campaign: Campaign
) -> None:
    life = opened(campaign, 3)
    life.join("tom", quantity=2)
    await pricing.apply(life.records)
    await campaign.tally(pricing)
    told = life.version
    life.form()
    life.reduce("tom", 1)
    other = opened(campaign, 6)
    await pricing.apply([*life.records[told:], *other.records])
    assert await pricing.settle() == 0
    assert await lines_of(pricing, life) == []
    life.withdraw("mei")
    await pricing.apply(life.records[-1:])
    tally = await campaign.tally(pricing)
    assert [(team.team_id, team.team_version) for team in tally.campaign_tallied.fixed_teams] == [
        (life.team_id, told + 1)
    ]
    await pricing.settle()
    lines = await lines_of(pricing, life)
    # 3 + 2 units of this team as it formed, whatever was given back since, and 6 of the other: the second tier
    totals = tally.campaign_tallied.totals
    assert (totals.units_of_fill, totals.units_confirmed_now) == (11, 7)
    assert [(line.member_id, line.quantity, line.unit_price.minor_units, line.tally_seq) for line in lines] == [
        ("mei", 3, 2940, 2),
        ("tom", 2, 2990, 2),
        ("tom", -1, 2990, 2),
        ("mei", -3, 2940, 2),
    ]
    await pricing.apply(opened(campaign, 20).records)
    assert (await campaign.tally(pricing)).campaign_tallied.fixed_teams == []
    assert [row["fill"] for row in await pricing.rows("SELECT fill FROM teams WHERE tally_seq = 2")] == [11]


async def test_what_needs_no_price_is_settled_at_once(pricing: PricingService, campaign: Campaign) -> None:
    life = opened(campaign, 3)
    life.join("tom")
    life.leave("tom")
    life.late("tom", "again")
    life.fail()
    await pricing.apply(life.records)
    assert [(line.cause, line.unit_price.minor_units, line.tally_seq) for line in await lines_of(pricing, life)] == [
        (events_pb2.SETTLEMENT_CAUSE_SEAT_LEFT, 0, 0),
        (events_pb2.SETTLEMENT_CAUSE_LATE_PAYMENT, 0, 0),
        (events_pb2.SETTLEMENT_CAUSE_TEAM_FAILED, 0, 0),
    ]


async def test_a_price_of_zero_names_its_tally_too(pricing: PricingService) -> None:
    campaign = Campaign(((1, 0),))
    life = opened(campaign, 1)
    life.form()
    await pricing.apply(life.records)
    await campaign.tally(pricing)
    await pricing.settle()
    assert [line.tally_seq for line in await lines_of(pricing, life)] == [1]
    assert not await wrong(pricing)


def batches(records: Sequence[Record], chance: Random) -> list[list[Record]]:
    """Cut into batches of random sizes."""
    left, made = list(records), []
    while left:
        size = chance.randint(1, 12)
        made.append(left[:size])
        left = left[size:]
    return made


def mixed(lives: Sequence[FullLife], chance: Random) -> list[Record]:
    """Mix the records of several teams, each team's in order."""
    waiting = [list(life.records) for life in lives]
    found = []
    while any(waiting):
        found.append(chance.choice([records for records in waiting if records]).pop(0))
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_prices_and_lines_equal_those_computed_from_events_and_tallies(
    pricing: PricingService, campaign: Campaign, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - for tests
    lives: list[FullLife] = []
    for _ in range(4):
        wave = [campaign.team(chance.choice(MODES)) for _ in range(4)]
        for life in wave:
            play(life, [(chance.randrange(999), chance.randrange(999)) for _ in range(chance.randint(12, 50))])
        lives += wave
        for batch in batches(mixed(wave, chance), chance):
            await pricing.apply(batch)
            if chance.random() < 0.3:
                await campaign.tally(pricing)
            if chance.random() < 0.3:
                await pricing.settlements.run_once()
        await campaign.tally(pricing)
    await pricing.settle()
    assert await pricing.parked() == {}
    assert await changed(pricing) == changes_from_scratch(campaign, await pricing.tallied())
    assert await came_near(pricing) == near_from_scratch(campaign, await pricing.tallied())
    fills = fixed_fills(await pricing.tallied())
    for life in lives:
        lines = await lines_of(pricing, life)
        seats = {seat_id: added_up(lines, seat_id) for seat_id in Oracle(life).seats}
        owed = Oracle(life, fills.get(life.team_id)).seats
        assert seats == {key: (one.lines, one.charged, one.brought + one.late) for key, one in owed.items()}
    assert not await wrong(pricing)


async def test_each_team_is_fixed_once_by_a_tally_that_contains_its_end_whoever_counts(
    pricing: PricingService, campaign: Campaign
) -> None:
    lives = [opened(campaign, 2) for _ in range(24)]
    for life in lives:
        life.join("tom")
        life.form()
    replicas = [PricingService(pricing.database) for _ in range(3)]

    async def follow(life: FullLife, replica: PricingService) -> None:
        for start in range(0, len(life.records), 4):
            await replica.apply(life.records[start : start + 4])

    async def count(replica: PricingService) -> None:
        for _ in range(10):
            await replica.tallies.run_once()
            await replica.settlements.run_once()

    await asyncio.gather(
        *(follow(life, replicas[number % 3]) for number, life in enumerate(lives)), *map(count, replicas)
    )
    await pricing.tallies.run_once()
    await pricing.settle()
    fixed = 0
    for event in await pricing.tallied():
        fixed += len(event.campaign_tallied.fixed_teams)
        assert fixed <= event.campaign_tallied.totals.teams_formed
    assert fixed == len(fixed_fills(await pricing.tallied())) == len(lives)
    assert {life.team_id: len(await lines_of(pricing, life)) for life in lives} == {life.team_id: 2 for life in lives}
    assert not await wrong(pricing)


async def changed(pricing: PricingService) -> list[tuple[int, int]]:
    """The tally of each event that a price of the campaign moved, and the member's price then."""
    told = await pricing.prices()
    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    found = [(event.tally_seq, event.campaign_price_changed) for event in told]
    return [(seq, fact.moves[1].new_unit_price) for seq, fact in found if fact.moves]


async def came_near(pricing: PricingService) -> list[tuple[int, int]]:
    """The tally of each event that one unit is missing, and the tier that is near."""
    found = [(event.tally_seq, event.campaign_next_tier_came_near) for event in await pricing.prices()]
    return [(seq, fact.next_threshold) for seq, fact in found if fact.fill]


def near_from_scratch(campaign: Campaign, tallies: Sequence[events_pb2.TallyEvent]) -> list[tuple[int, int]]:
    """Compute from the tallies alone which of them came to one missing unit, and of which tier."""
    life, found, before = campaign.team(), [], 0
    for event in tallies:
        fill = event.campaign_tallied.totals.units_of_fill
        if fill > before and life.price(fill + 1) < life.price(fill):
            found.append((event.sequence, fill + 1))
        before = fill
    return found


def changes_from_scratch(campaign: Campaign, tallies: Sequence[events_pb2.TallyEvent]) -> list[tuple[int, int]]:
    """Compute from the tallies alone which of them changed the member's price, and to what."""
    life, found = campaign.team(), []
    before = life.price(0)
    for event in tallies:
        now = life.price(event.campaign_tallied.totals.units_of_fill)
        if now != before:
            found.append((event.sequence, now))
        before = now
    return found


def fixed_fills(tallies: Sequence[events_pb2.TallyEvent]) -> dict[str, int]:
    """The fill that was fixed for each team that formed."""
    found: dict[str, int] = {}
    for event in tallies:
        for team in event.campaign_tallied.fixed_teams:
            assert team.team_id not in found
            found[team.team_id] = event.campaign_tallied.totals.units_of_fill
    return found


def added_up(lines: Sequence[events_pb2.SettlementLine], seat_id: str) -> tuple[int, int, int]:
    """How many lines a seat has, what they charge, what was authorised or paid for them."""
    own = [line for line in lines if line.seat_id == seat_id]
    charged = sum(line.to_capture.minor_units + line.to_keep.minor_units + line.due.minor_units for line in own)
    return len(own), charged, sum(line.authorised.minor_units + line.paid.minor_units for line in own)
