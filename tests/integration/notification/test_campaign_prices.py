"""A price that the whole campaign moves: members of all its open teams are told, once each, and only what is true."""

from typing import Any
from uuid import UUID, uuid4

from groupbuy.pricing.v1 import events_pb2, ladder_pb2

from services.chassis.clock import ManualClock
from services.chassis.messages import Record
from services.notification.handlers import Fanout
from services.notification.handlers.fanout import PRICES
from services.notification.store import ALL_TEAMS, Job, insert_jobs
from tests.support.notifying import Notifying
from tests.support.prices import campaign_changed, campaign_near
from tests.support.teams import TeamLife, price_table

PLATFORM = UUID(int=0xA)


def a_team(campaign: UUID, leader: str, *, ladder_version: int = 1, **more: Any) -> TeamLife:
    """Play a team of a campaign that fills its ladder, with its leader confirmed."""
    table = price_table(basis=ladder_pb2.BASIS_CAMPAIGN_UNITS, ladder_version=ladder_version)
    life = TeamLife(platform=PLATFORM, campaign=campaign, table=table, **more)
    life.open(leader)
    life.confirm(leader)
    return life


async def price_news(notification: Notifying) -> list[tuple[str, str]]:
    """Who was told of a price."""
    return [told for told in await notification.told() if told[0].startswith(("PRICE", "ONE"))]


async def test_members_of_all_open_teams_are_told_once(notification: Notifying) -> None:
    campaign = uuid4()
    one, two = a_team(campaign, "mei"), a_team(campaign, "tom")
    one.hold("ann")
    two.join("mei")
    formed = a_team(campaign, "eva")
    formed.join("bob")
    formed.tip()
    formed.form()
    other_ladder, elsewhere = a_team(campaign, "kim", ladder_version=2), a_team(uuid4(), "lea")
    for life in (one, two, formed, other_ladder, elsewhere):
        await notification.apply(*life.records)
    event = campaign_changed(one, 4, 2, 3, next_fill=5, missing=2)
    await notification.apply(event)
    await notification.apply(event)
    assert await price_news(notification) == [("PRICE_FELL", "mei"), ("PRICE_FELL", "tom")]


async def test_who_joined_at_that_price_is_told_nothing(notification: Notifying) -> None:
    life = a_team(uuid4(), "mei")
    life.tally = (4, 3)
    life.join("tom")
    await notification.apply(*life.records, campaign_changed(life, 4, 2, 3))
    assert await price_news(notification) == [("PRICE_FELL", "mei")]


async def test_a_price_says_that_all_teams_count(notification: Notifying) -> None:
    life = a_team(uuid4(), "mei")
    await notification.put(life.platform, "mei")
    await notification.put(life.platform, "tom", language="zh-Hans")
    life.join("tom")
    await notification.apply(*life.records, campaign_changed(life, 1, 0, 3, next_fill=5, missing=2))
    rows = await notification.rows("SELECT body FROM deliveries WHERE kind = 'PRICE_FELL' ORDER BY member_id")
    assert "All teams of this offer count together" in rows[0][0]
    assert "2 more, in any team, bring it down to €24.90" in rows[0][0]
    assert "所有团" in rows[1][0]


async def test_a_newer_price_supersedes_what_was_not_sent(notification: Notifying) -> None:
    life = a_team(uuid4(), "mei")
    await notification.put(life.platform, "mei")
    await notification.apply(*life.records, campaign_changed(life, 1, 0, 3), campaign_changed(life, 2, 3, 2))
    rows = await notification.rows(
        "SELECT d.kind, EXISTS (SELECT FROM deliveries AS n WHERE n.team_id = d.team_id AND n.member_id = d.member_id"
        " AND n.team_version > d.team_version AND n.kind LIKE 'PRICE%%') FROM deliveries AS d"
        " WHERE d.kind LIKE 'PRICE%%' ORDER BY d.team_version"
    )
    assert rows == [("PRICE_FELL", True), ("PRICE_ROSE", False)]


async def test_many_members_are_told_in_chunks(notification: Notifying, clock: ManualClock) -> None:
    campaign = uuid4()
    lives = [a_team(campaign, f"leader-{number}", maximum=20) for number in range(4)]
    for number, life in enumerate(lives):
        for member in range(6):
            life.join(f"member-{number}-{member}")
        await notification.apply(*life.records)
    async with notification.database.work() as work:
        await _keep(work, lives[0])
    fanout = Fanout(notification.database, clock, chunk=5)
    while await fanout.run_once():
        pass
    told = await price_news(notification)
    assert len(told) == len(set(told)) == 56
    assert {kind for kind, _ in told} == {"PRICE_FELL", "ONE_MISSING"}
    assert await notification.rows("SELECT 1 FROM fanout_jobs") == []


async def test_one_missing_unit_is_told_to_the_members_of_all_open_teams_once(notification: Notifying) -> None:
    campaign = uuid4()
    one, two = a_team(campaign, "mei"), a_team(campaign, "tom")
    one.hold("ann")
    two.join("mei")
    formed, other_ladder = a_team(campaign, "eva"), a_team(campaign, "kim", ladder_version=2)
    formed.join("bob")
    formed.tip()
    formed.form()
    two.tally = (4, 4)
    two.join("lea")  # knows by the tally she joined at
    for life in (one, two, formed, other_ladder):
        await notification.apply(*life.records)
    event = campaign_near(one, 4, 4, 5)
    await notification.apply(event)
    await notification.apply(event)
    assert await price_news(notification) == [("ONE_MISSING", "mei"), ("ONE_MISSING", "tom")]


async def test_one_missing_unit_says_that_any_team_counts(notification: Notifying) -> None:
    life = a_team(uuid4(), "mei")
    await notification.put(life.platform, "mei")
    await notification.put(life.platform, "tom", language="zh-Hans")
    life.join("tom")
    await notification.apply(*life.records, campaign_near(life, 1, 4, 5))
    rows = await notification.rows("SELECT body FROM deliveries WHERE kind = 'ONE_MISSING' ORDER BY member_id")
    assert "With one more in any team you pay €24.90" in rows[0][0]
    assert "任何一个团再有一份" in rows[1][0]


async def _keep(work: Any, life: TeamLife) -> None:
    for sequence, record in enumerate((campaign_changed(life, 1, 0, 3), campaign_near(life, 1, 4, 5, sequence=2)), 1):
        await _keep_one(work, life, sequence, record)


async def _keep_one(work: Any, life: TeamLife, sequence: int, record: Record) -> None:
    job = Job(life.platform, life.campaign, ALL_TEAMS, PRICES, sequence, 1, record.value)
    await insert_jobs(work.connection, [job], ready=True, now=life.now)


async def test_what_names_no_tally_is_set_aside(notification: Notifying) -> None:
    life = a_team(uuid4(), "mei")
    right = campaign_changed(life, 1, 0, 3)
    event = events_pb2.PriceEvent.FromString(right.value)
    event.tally_seq = 0
    wrong = Record(right.topic, right.key, event.SerializeToString(), right.headers, right.partition, right.offset)
    await notification.apply(*life.records, wrong)
    assert await price_news(notification) == []
    [(reason,)] = await notification.rows("SELECT reason FROM parked_messages")
    assert "names its tally" in reason
