"""A formed team whose seats are all cancelled, because too few paid: lines of every seat, and the team stays formed."""

from datetime import timedelta

import pytest
from groupbuy.pricing.v1 import events_pb2
from groupbuy.team_formation.v1 import types_pb2

from services.pricing import domain, store
from services.pricing.handlers import CHUNK
from tests.support.pricing import PricingService
from tests.support.pricing_lives import FullLife
from tests.support.teams import COMMIT, HOLD, PREPAID

CANCELLED = events_pb2.SETTLEMENT_CAUSE_TEAM_CANCELLED


def fallen(mode: types_pb2.PaymentMode.ValueType, members: int = 3) -> FullLife:
    """A team that formed, of which one seat defaulted and the others were cancelled."""
    life = FullLife(payment_mode=mode, minimum=members, maximum=members)
    life.open("mei")
    life.confirm("mei")
    for number in range(1, members):
        life.join(f"m{number}")
    life.form()
    life.default("m1")
    life.cancel_seats()
    return life


async def sums(pricing: PricingService) -> list[tuple[int, ...]]:
    """What the lines of each seat charge in all, in each way."""
    rows = await pricing.rows(
        "SELECT sum(to_capture)::bigint AS c, sum(to_keep)::bigint AS k, sum(due)::bigint AS d FROM settlement_lines"
        " GROUP BY seat_id"
    )
    return [(row["c"], row["k"], row["d"]) for row in rows]


@pytest.mark.parametrize("mode", [COMMIT, HOLD, PREPAID])
async def test_every_seat_has_its_line_and_nobody_is_charged(
    pricing: PricingService, mode: types_pb2.PaymentMode.ValueType
) -> None:
    await pricing.apply(fallen(mode).records)
    assert await pricing.parked() == {}
    assert await sums(pricing) == [(0, 0, 0)] * 3
    told = [event.settlement_line_recorded.line for event in await pricing.settled()]
    assert sorted(line.member_id for line in told if line.cause == CANCELLED) == ["m2", "mei"]
    (team,) = await pricing.rows("SELECT state, confirmed_members FROM teams")
    assert (team["state"], team["confirmed_members"]) == ("FORMED", 0)


async def test_a_big_team_is_worked_off_in_chunks(pricing: PricingService) -> None:
    await pricing.apply(fallen(COMMIT, CHUNK + 3).records)
    await pricing.settle()
    assert await sums(pricing) == [(0, 0, 0)] * (CHUNK + 3)


async def test_seats_cancelled_so_are_given_back_in_explanations(pricing: PricingService) -> None:
    life = fallen(COMMIT)
    await pricing.apply(life.records)
    async with pricing.database.work() as work:
        team = (await store.lock_teams(work.connection, [(life.campaign, life.team)]))[life.campaign, life.team]
        seats = await store.load_paying(work.connection, life.campaign, life.team, 0, team.version, 9, as_formed=False)
    assert {domain.seat_now(seat, team).release_reason for seat in seats} == {domain.ReleaseReason.TEAM_CANCELLED}


async def test_a_team_that_has_not_formed_cannot_fall_so(pricing: PricingService) -> None:
    life = FullLife(payment_mode=COMMIT)
    life.open("mei")
    life.confirm("mei")
    life.cancel_seats()
    await pricing.apply(life.records)
    assert "fell below its minimum" in (await pricing.parked())[life.team_id][0]


async def test_the_platform_may_still_give_up_the_team(pricing: PricingService) -> None:
    life = fallen(COMMIT)
    life.cancel()
    await pricing.apply(life.records)
    assert await pricing.parked() == {}
    assert await sums(pricing) == [(0, 0, 0)] * 3


async def test_a_team_that_fell_so_is_counted_as_formed_until_it_is_given_up(pricing: PricingService) -> None:
    life = fallen(COMMIT)
    await pricing.apply(life.records)
    await pricing.tallies.run_once()
    pricing.clock.move(timedelta(seconds=1))
    life.cancel()
    await pricing.apply(life.records[-1:])
    await pricing.tallies.run_once()
    totals = [event.campaign_tallied.totals for event in await pricing.tallied()]
    assert [(item.teams_formed, item.teams_cancelled) for item in totals] == [(1, 0), (1, 1)]
