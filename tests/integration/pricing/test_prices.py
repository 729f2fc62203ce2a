"""Team events in, price events out: what is told, in which order, with which words."""

from uuid import UUID

from groupbuy.pricing.v1 import events_pb2

from services.chassis import ids
from tests.support.pricing import PricingService
from tests.support.teams import LEADER, MEMBER, UNITS, TeamLife, price_table


def brief(event: events_pb2.PriceEvent) -> tuple[str, int, int, int]:
    """What happened, at which fill, and the member's old and new price of the first item."""
    if event.HasField("price_changed"):
        move = event.price_changed.moves[1]
        assert move.role == MEMBER
        return "changed", event.price_changed.fill, move.old_unit_price, move.new_unit_price
    move = event.next_tier_came_near.moves[1]
    assert move.old_unit_price == move.new_unit_price
    return "near", event.next_tier_came_near.fill, move.new_unit_price, move.next_unit_price


async def test_each_change_that_a_member_would_notice_is_told_once_and_in_order(pricing: PricingService) -> None:
    life = TeamLife(minimum=3)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.join("ann")
    life.tip()
    life.hold("eva")
    life.leave("tom")
    life.untip()
    life.confirm("eva")
    life.tip()
    life.join("leo")
    life.join("kim")
    life.form()
    await pricing.apply(life.records)
    told = await pricing.prices()
    assert [brief(event) for event in told] == [
        ("near", 1, 3990, 3490),
        ("changed", 2, 3990, 3490),
        ("near", 2, 3490, 2990),
        ("changed", 3, 3490, 2990),
        ("changed", 2, 2990, 3490),
        ("near", 2, 3490, 2990),
        ("changed", 3, 3490, 2990),
        ("near", 4, 2990, 2490),
        ("changed", 5, 2990, 2490),
    ]
    assert [event.sequence for event in told] == list(range(1, 10))
    assert {(event.team_id, event.campaign_id, event.platform_id) for event in told} == {
        (life.team_id, life.campaign_id, life.platform_id)
    }


async def test_an_event_carries_its_cause_the_tier_and_the_sentence(pricing: PricingService) -> None:
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    cause = life.join("tom")
    await pricing.apply(life.records)
    _, changed, near = await pricing.prices()
    fact = changed.price_changed
    assert (fact.currency, fact.old_fill, fact.fill, fact.tier, fact.missing_to_next) == ("EUR", 1, 2, 1, 1)
    assert fact.cause_event_id == near.next_tier_came_near.cause_event_id == cause.event_id
    assert fact.explanation == (
        "2 members are confirmed instead of 1, so the price from 2 on holds:"
        " one unit of mango costs 34.90 EUR instead of 39.90 EUR."
    )
    assert [(move.role, move.next_unit_price) for move in fact.moves] == [(LEADER, 2990), (MEMBER, 2990)]
    assert (changed.occurred_at, changed.team_version) == (cause.occurred_at, cause.sequence)
    cause_id = UUID(cause.event_id)
    assert changed.event_id == str(ids.derived_id(cause_id, "PriceChanged"))
    assert near.event_id == str(ids.derived_id(cause_id, "NextTierCameNear"))
    assert near.next_tier_came_near.next_threshold == 3


async def test_what_nobody_would_notice_is_not_told(pricing: PricingService) -> None:
    life = TeamLife(table=price_table(steps=((10, 3490),)), maximum=20)
    life.open("mei")
    life.confirm("mei")
    life.hold("tom")
    life.expire("tom")
    life.hold("ann")
    life.leave("ann")
    life.join("eva")
    life.leave("eva")
    life.fail()
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    assert await pricing.prices() == []


async def test_a_tier_that_is_no_cheaper_is_neither_near_nor_a_change(pricing: PricingService) -> None:
    life = TeamLife(table=price_table(3990, ((2, 3990), (4, 3490))))
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.join("ann")
    await pricing.apply(life.records)
    assert [brief(event) for event in await pricing.prices()] == [("near", 3, 3990, 3490)]


async def test_the_end_of_a_failed_team_is_no_price_change(pricing: PricingService) -> None:
    life = TeamLife(minimum=4)
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.join("ann")
    await pricing.apply(life.records)
    before = len(await pricing.prices())
    life.fail()
    await pricing.apply(life.records[-1:])
    assert len(await pricing.prices()) == before
    [team] = await pricing.rows("SELECT state, fill, fill_version, ended_version, confirmed_members FROM teams")
    assert team == {"state": "FAILED", "fill": 3, "fill_version": 7, "ended_version": 8, "confirmed_members": 0}


async def test_units_fill_a_ladder_of_units(pricing: PricingService) -> None:
    life = TeamLife(table=price_table(steps=((4, 3490), (6, 2990)), basis=UNITS), maximum=20)
    life.open("mei", quantity=2)
    life.confirm("mei")
    life.join("tom", quantity=3)
    life.join("ann", quantity=1)
    life.leave("mei")
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    assert [brief(event) for event in await pricing.prices()] == [
        ("changed", 5, 3990, 3490),
        ("near", 5, 3490, 2990),
        ("changed", 6, 3490, 2990),
        ("changed", 4, 2990, 3490),
    ]


async def test_teams_of_a_campaign_share_one_price_table(pricing: PricingService) -> None:
    first = TeamLife()
    second = TeamLife(platform=first.platform, campaign=first.campaign)
    later = TeamLife(platform=first.platform, campaign=first.campaign, table=price_table(ladder_version=2))
    for life in (first, second, later):
        life.open("mei")
        life.confirm("mei")
    await pricing.apply([*first.records, *second.records])
    await pricing.apply(later.records)
    assert await pricing.parked() == {}
    counts = await pricing.rows(
        "SELECT ladder_version, count(*) AS steps FROM price_tables JOIN price_steps"
        " USING (campaign_id, ladder_version) GROUP BY ladder_version ORDER BY ladder_version"
    )
    assert counts == [{"ladder_version": 1, "steps": 8}, {"ladder_version": 2, "steps": 8}]
