"""Changes of campaigns that reach rows of teams: stock that comes late, ends, pauses; each is a row and an event."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.domain import Item, OnFull
from tests.support.crowding import all_at_once, outcome, sweep, violations
from tests.support.formation import Formation, a_campaign, a_formation

ITEMS = frozenset({"items"})


def with_items(campaign: domain.Campaign, *items: Item) -> domain.Update:
    return domain.Update(replace(campaign, terms=replace(campaign.terms, items=items)), ITEMS)


async def test_an_item_sold_without_a_limit_gets_none(formation: Formation) -> None:
    campaign = await formation.create(a_campaign())
    await formation.open(campaign)
    with pytest.raises(Rejected, match="PROMISE_BROKEN"):
        await formation.change(campaign, with_items(campaign, Item("mango", 3990, 5)))
    assert await formation.rows("SELECT * FROM stock") == []
    assert await violations(formation) == {}


@pytest.mark.parametrize("stock", [1, 5])
async def test_an_item_that_older_teams_sell_without_a_limit_does_not_come_back_with_one(
    formation: Formation, stock: int
) -> None:
    """Whether or not what was sold would fit: a join that counts nothing may be under way in an older team."""
    campaign = await formation.create(a_campaign())
    opened = await formation.open(campaign, quantity=3)
    await formation.change(campaign, with_items(campaign, Item("kiwi", 900)))
    with pytest.raises(Rejected) as refused:
        await formation.change(campaign, with_items(campaign, Item("kiwi", 900), Item("mango", 3990, stock)))
    assert refused.value.reason == "PROMISE_BROKEN"
    assert refused.value.metadata == {"field": "items", "why": "mango has been sold without a limit"}
    assert await formation.rows("SELECT * FROM stock") == []
    await formation.change(campaign, with_items(campaign, Item("kiwi", 900), Item("mango", 3990)))
    await formation.join(opened.team.team_id, "tom", quantity=3)
    assert await violations(formation) == {}


async def test_an_item_that_no_team_sells_yet_gets_stock(formation: Formation, url: str, clock: ManualClock) -> None:
    campaign = await formation.create(a_campaign())
    async with a_formation(url, clock) as another:  # which knows of no stock when the first team is to be opened
        await another.campaigns.current(campaign.platform_id, campaign.campaign_id)
        await formation.change(campaign, with_items(campaign, Item("mango", 3990, 3)))
        opened = await another.open(campaign, quantity=3)
        assert await outcome(another.join(opened.team.team_id, "tom")) == "OUT_OF_STOCK"
    assert await formation.rows("SELECT sku, offered, taken FROM stock") == [("mango", 3, 3)]
    assert await violations(formation) == {}


async def test_stock_that_comes_while_teams_open_counts_every_unit(replicas: list[Formation]) -> None:
    one, two = replicas
    for _ in range(5):
        campaign = await one.create(a_campaign())
        opens = [(one, two)[n % 2].open(campaign, f"m{n}", quantity=2) for n in range(6)]
        answers = await all_at_once([*opens, one.change(campaign, with_items(campaign, Item("mango", 3990, 7)))])
        opened = sum(not isinstance(answer, str) for answer in answers[:-1])
        assert opened == (6 if answers[-1] == "PROMISE_BROKEN" else 3)
    assert await violations(one) == {}


async def test_an_item_keeps_its_stock_and_a_new_process_counts_it(
    formation: Formation, url: str, clock: ManualClock
) -> None:
    campaign = await formation.create(a_campaign(stock=4))
    await formation.open(campaign, quantity=1)
    await formation.change(campaign, with_items(campaign, Item("mango", 3990)))
    async with a_formation(url, clock) as newcomer:
        opened = await newcomer.open(campaign, "tom", quantity=2)
        assert await outcome(newcomer.join(opened.team.team_id, "lin", quantity=2)) == "OUT_OF_STOCK"
    assert await formation.rows("SELECT offered, taken FROM stock") == [(4, 3)]
    await formation.leave(opened.seat)
    assert await violations(formation) == {}


async def test_rules_change_for_teams_opened_later(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(maximum=2))
    before = await formation.open(campaign, "mei")
    rules = replace(campaign.terms.rules, maximum=3)
    wanted = replace(campaign, terms=replace(campaign.terms, rules=rules))
    await formation.change(campaign, domain.Update(wanted, frozenset({"rules"})))
    after = await formation.open(campaign, "tom")
    for team, expected in ((before.team.team_id, "TEAM_FULL"), (after.team.team_id, "OK")):
        await formation.join(team, "lin")
        answer = await outcome(formation.join(team, "kim"))
        assert (answer if isinstance(answer, str) else "OK") == expected
    assert await formation.rows("SELECT terms_version FROM teams ORDER BY opened_at, team_id") == [(1,), (2,)]
    assert await violations(formation) == {}


async def test_who_waits_is_seated_when_the_campaign_goes_on(formation: Formation) -> None:
    campaign = await formation.create(a_campaign(maximum=2, rules={"on_full": OnFull.WAITLIST}))
    opened = await formation.open(campaign)
    tom = await formation.join(opened.team.team_id, "tom")
    await formation.join(opened.team.team_id, "lin")
    await formation.change(campaign, domain.Pause())
    await formation.leave(tom.seat)
    assert await formation.rows("SELECT state FROM seats WHERE member_id = 'lin'") == [("WAITING",)]
    await formation.change(campaign, domain.Resume())
    assert await outcome(formation.join(opened.team.team_id, "kim"))  # before any sweep: nobody overtakes
    held = await formation.rows("SELECT member_id FROM seats WHERE state = 'HELD' ORDER BY number")
    assert held == [("mei",), ("lin",)]
    await sweep(formation)
    assert await violations(formation) == {}


async def test_units_released_seat_who_waits_for_them(formation: Formation) -> None:
    rules = {"on_full": OnFull.WAITLIST}
    campaign = a_campaign(maximum=4, counted_in=domain.CountedIn.UNITS, rules=rules, stock=5)
    one = await formation.open(await formation.create(campaign), quantity=3)
    await formation.join(one.team.team_id, "lin", quantity=3)
    await formation.open(campaign, "kim", quantity=2)
    await formation.leave(one.seat, 2)
    states = "SELECT state FROM seats WHERE member_id = 'lin'"
    assert await formation.rows(states) == [("WAITING",)], "there is room for three, and two are left"
    await formation.change(campaign, domain.ReleaseUnits("mango", 1))
    await sweep(formation)
    assert await formation.rows(states) == [("HELD",)]
    assert await violations(formation) == {}


async def test_an_extension_moves_the_ends_of_teams_that_the_campaign_cut(
    formation: Formation, clock: ManualClock
) -> None:
    end = clock.now() + timedelta(minutes=20)
    campaign = await formation.create(a_campaign(ends_at=end, latest_end=end + timedelta(hours=2)))
    opened = await formation.open(campaign)
    await formation.change(campaign, domain.ExtendBy(timedelta(hours=2)), actor="host-1")
    await sweep(formation)
    assert await formation.rows("SELECT ends_at, deadline FROM teams") == [(clock.now() + timedelta(hours=1),) * 2]
    assert [fact for _, fact in await formation.facts(opened.team.team_id)][-1] == "team_rescheduled"
    assert await formation.rows("SELECT version, action, actor, fields FROM campaign_changes") == [
        (2, "EXTEND", "host-1", ["ends_at"])
    ]
    assert await violations(formation) == {}
