"""A promoter who is registered is told once a day what its links brought, and nothing on a day without news."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from groupbuy.team_formation.v1 import events_pb2

from services.notification.domain import next_summary
from services.notification.handlers import PromoterDays
from tests.integration.notification.test_sending import Scripted, a_sender, turn
from tests.support.notification_rpc import SHOP
from tests.support.notifying import START, Notifying
from tests.support.teams import TeamLife, record

RITA = "rita"


def brought(life: TeamLife, *, promoter: str = RITA) -> None:
    """Have every seat that the team's events tell of come by a promoter's link."""
    life.records[:] = [record(_by(event, promoter)) for event in life.events]


def _by(event: events_pb2.TeamEvent, promoter: str) -> events_pb2.TeamEvent:
    fact = getattr(event, event.WhichOneof("fact") or "")
    if "seat" in fact.DESCRIPTOR.fields_by_name:
        fact.seat.promoter_id = promoter
    return event


async def a_team(notification: Notifying, *members: str) -> TeamLife:
    life = TeamLife(platform=SHOP, maximum=50, start=START)
    life.open(members[0])
    life.confirm(members[0])
    for member in members[1:]:
        life.join(member)
    life.hold("undecided")
    brought(life)
    await notification.apply(*life.records)
    return life


async def a_day_on(notification: Notifying) -> list[tuple[str, str]]:
    """Let a day go by; give what promoters were told in all."""
    notification.clock.move(timedelta(days=1))
    for _ in range(2):
        await PromoterDays(notification.database, notification.clock).tell()
    return [item for item in await notification.told() if item[0] == "PROMOTER_DAILY"]


async def test_it_is_told_once_what_came(notification: Notifying) -> None:
    await notification.put(SHOP, RITA)
    life = await a_team(notification, "mei", "tom", "ana")
    before = len(life.records)
    life.leave("tom")
    brought(life)
    await notification.apply(*life.records[before:])
    await PromoterDays(notification.database, notification.clock).tell()
    assert [kind for kind, _ in await notification.told() if kind == "PROMOTER_DAILY"] == []
    assert await a_day_on(notification) == [("PROMOTER_DAILY", RITA)]
    console = Scripted("console")
    async with a_sender(notification, console) as sender:
        await turn(sender)
    [letter] = [letter for letter in console.sent if letter.kind == "PROMOTER_DAILY"]
    assert ("3 more have joined" in letter.body, "1 is no longer in" in letter.body) == (True, True)
    assert ("Mangoes" in letter.subject, letter.team_id) == (True, "")
    assert await a_day_on(notification) == [("PROMOTER_DAILY", RITA)]


async def test_what_is_told_twice_by_the_broker_counts_once(notification: Notifying) -> None:
    await notification.put(SHOP, RITA)
    life = await a_team(notification, "mei", "tom")
    await notification.apply(*life.records)
    assert await notification.rows('SELECT joined, "left" FROM promoter_days') == [(2, 0)]


async def test_who_is_not_registered_is_told_nothing(notification: Notifying) -> None:
    await a_team(notification, "mei")
    assert await a_day_on(notification) == []
    assert await notification.rows("SELECT count(*) FROM promoter_days") == [(0,)]


async def test_a_seat_that_nobody_earns_by_counts_for_nobody(notification: Notifying) -> None:
    life = TeamLife(platform=SHOP, start=START)
    life.open("mei")
    life.confirm("mei")
    await notification.apply(*life.records)
    assert await notification.rows("SELECT count(*) FROM promoter_days") == [(0,)]


async def test_what_comes_while_it_is_told_is_told_the_next_day(notification: Notifying) -> None:
    await notification.put(SHOP, RITA)
    life = await a_team(notification, "mei")
    [(due_at,)] = await notification.rows("SELECT due_at FROM promoter_days")
    assert len(await a_day_on(notification)) == 1
    before = len(life.records)
    life.join("tom")
    brought(life)
    await notification.apply(*life.records[before:])
    await notification.do("UPDATE promoter_days SET due_at = %s", due_at)  # a replica whose clock is behind
    assert len(await a_day_on(notification)) == 2


@pytest.mark.parametrize("zone", ["", "Nowhere/Here", "Asia"])
async def test_a_time_zone_that_is_none_holds_nothing_up(notification: Notifying, zone: str) -> None:
    life = TeamLife(platform=SHOP, start=START)
    life.presentation.time_zone = zone
    life.open("mei")
    life.confirm("mei")
    brought(life)
    await notification.apply(*life.records)
    assert await notification.rows("SELECT joined FROM promoter_days") == [(1,)]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 21, 7, 59, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (datetime(2026, 11, 21, 8, tzinfo=UTC), datetime(2026, 11, 22, 8, tzinfo=UTC)),
        (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 3, 28, 7, tzinfo=UTC)),  # the clock goes on
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 8, tzinfo=UTC)),  # it goes back
    ],
)
def test_it_is_told_at_nine_of_the_campaigns_clock(now: datetime, due: datetime) -> None:
    assert next_summary(now, ZoneInfo("Europe/Berlin")) == due
