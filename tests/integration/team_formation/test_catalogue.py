"""What a process remembers of campaigns: the oldest is forgotten first, and never what the batch under way needs."""

import asyncio
from dataclasses import replace

import pytest

from services.chassis.clock import ManualClock
from services.chassis.errors import Rejected
from services.team_formation import domain
from services.team_formation.catalogue import Catalogue
from services.team_formation.domain import Campaign, OnFull
from tests.support.crowding import outcome, violations
from tests.support.formation import OTHER_PLATFORM, Formation, a_campaign, a_formation

MOST = "services.team_formation.catalogue._MOST"
LIMITS = {"max_units_per_member": 3}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a process remember two campaigns."""
    monkeypatch.setattr(MOST, 2)


async def campaigns(formation: Formation, count: int) -> list[Campaign]:
    return [await formation.create(a_campaign(stock=3, rules=LIMITS)) for _ in range(count)]


@pytest.mark.usefixtures("full")
async def test_a_batch_of_more_campaigns_than_are_remembered_is_decided_as_any(formation: Formation) -> None:
    known = await campaigns(formation, 7)
    opened = await asyncio.gather(*(formation.open(campaign, quantity=2) for campaign in known))
    teams = [answer.team.team_id for answer in opened]
    assert {await outcome(formation.join(team, "tom", quantity=2)) for team in teams} == {"OUT_OF_STOCK"}
    refused = await asyncio.gather(*(formation.join(team, "tom", quantity=2) for team in teams), return_exceptions=True)
    assert {answer.reason for answer in refused if isinstance(answer, Rejected)} == {"OUT_OF_STOCK"}
    assert await formation.rows("SELECT DISTINCT taken FROM stock") == [(2,)]
    assert await violations(formation) == {}


@pytest.mark.usefixtures("full")
async def test_the_oldest_is_forgotten_and_what_a_batch_learned_is_kept_until_the_next(formation: Formation) -> None:
    first, second, third, fourth = await campaigns(formation, 4)
    catalogue = Catalogue()

    def known() -> list[Campaign]:
        return [one for one in (first, second, third, fourth) if catalogue.owns(one.platform_id, one.campaign_id)]

    async with formation.database.read() as connection:
        await catalogue.current(connection, first.platform_id, first.campaign_id)
        await catalogue.learn(connection, [(second.platform_id, second.campaign_id)])
        assert known() == [first, second]
        await catalogue.current(connection, third.platform_id, third.campaign_id)
        assert known() == [second, third], "the oldest is gone, and it alone"
        await catalogue.current(connection, fourth.platform_id, fourth.campaign_id)
        assert known() == [second, fourth], "the batch's own is older, and stays"
        assert catalogue.has_stock(second.campaign_id)
        assert not catalogue.has_stock(third.campaign_id)
        await catalogue.learn(connection, [(third.platform_id, third.campaign_id)])
        assert known() == [third, fourth]


async def test_a_campaign_that_is_forgotten_amid_a_batch_is_never_told_to_be_unknown(
    formation: Formation, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await formation.create(a_campaign())
    left = [2]
    owns = Catalogue.owns

    def forgets(self: Catalogue, *campaign_id: object) -> bool:
        left[0] -= left[0] > 0
        return not left[0] and owns(self, *campaign_id)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalogue, "owns", forgets)
    assert (await formation.open(campaign)).team.team_id
    monkeypatch.undo()
    strange = replace(campaign, platform_id=OTHER_PLATFORM)
    assert await outcome(formation.open(strange)) == "CAMPAIGN_UNKNOWN"


async def test_limits_of_the_team_for_late_comers_are_noticed_late_and_kept(
    formation: Formation, url: str, clock: ManualClock
) -> None:
    """A full team's late comers sit in a team whose rules, which neither the first nor the newest are, limit them."""
    campaign = await formation.create(a_campaign(maximum=2, rules={"on_full": OnFull.OPEN_TEAM}))
    full = (await formation.open(campaign)).team.team_id
    await formation.join(full, "tom")
    rules = campaign.terms.rules
    for now in (replace(rules, max_teams_per_member=1), rules):
        wanted = replace(campaign, terms=replace(campaign.terms, rules=now))
        await formation.change(campaign, domain.Update(wanted, frozenset({"rules"})))
        if now.max_teams_per_member:
            await formation.join(full, "lin")
    async with a_formation(url, clock) as newcomer:
        await newcomer.join(full, "kim")
    assert await formation.rows("SELECT member_id FROM campaign_members ORDER BY 1") == [("kim",), ("lin",)]
    assert await violations(formation) == {}
