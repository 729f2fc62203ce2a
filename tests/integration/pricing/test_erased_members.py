"""A member is erased while events of its seats are on their way: they come by another topic, sooner or later."""

from datetime import UTC, datetime, timedelta

import pytest
from groupbuy.team_formation.v1 import events_pb2

from services.chassis import erased_rows
from services.chassis.clock import Clock
from services.chassis.erased_rows import Erased
from services.pricing.handlers.erasing import member_eraser
from tests.support.pricing import PricingService
from tests.support.teams import TeamLife, record

PSEUDONYM = "erased-0123456789abcdef01234567"
SEATS = "SELECT member_id FROM seats ORDER BY member_id"


def a_life() -> TeamLife:
    """A team that tom left after mei had confirmed."""
    life = TeamLife()
    life.open("mei")
    life.confirm("mei")
    life.join("tom")
    life.leave("tom")
    return life


def renamed(events: list[events_pb2.TeamEvent]) -> list[events_pb2.TeamEvent]:
    """Events as team_formation tells them once tom is erased."""
    text = [event.SerializeToString() for event in events]
    assert any(b"tom" in raw for raw in text)
    for event in events:
        fact = getattr(event, event.WhichOneof("fact") or "")
        fact.seat.member_id = PSEUDONYM
    return events


async def erase(pricing: PricingService, life: TeamLife) -> None:
    """Note that tom is erased, as the event of it does."""
    now = datetime.now(UTC)
    found = Erased(life.platform, PSEUDONYM, now, now + timedelta(days=16), (life.campaign,), "tom")
    async with pricing.database.work() as work:
        await erased_rows.note(work.connection, found)


async def replace(pricing: PricingService) -> None:
    """Replace what is there."""
    eraser = member_eraser(pricing.database, Clock())
    while await eraser.run_once():
        pass


@pytest.mark.parametrize("known", ["before", "after"])
async def test_events_that_name_the_pseudonym_are_applied_whenever_the_erasure_is_known(
    pricing: PricingService, known: str
) -> None:
    life = a_life()
    await pricing.apply(life.records[:-1])
    if known == "before":
        await erase(pricing, life)
    await pricing.apply([record(event) for event in renamed(life.events[-1:])])
    if known == "after":
        await erase(pricing, life)
    await replace(pricing)
    assert await pricing.parked() == {}
    assert [row["member_id"] for row in await pricing.rows(SEATS)] == [PSEUDONYM, "mei"]


async def test_events_of_before_are_applied_between_the_erasure_and_the_replacing_of_rows(
    pricing: PricingService,
) -> None:
    life = a_life()
    await pricing.apply(life.records[:-1])
    await erase(pricing, life)
    await pricing.apply(life.records[-1:])
    await replace(pricing)
    assert await pricing.parked() == {}
    assert [row["member_id"] for row in await pricing.rows(SEATS)] == [PSEUDONYM, "mei"]
