"""The clock of a test twin: where it may be moved, in which steps, and that it waits for services that are not done."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration
from groupbuy.chassis.v1 import scope_pb2
from groupbuy.team_formation.v1 import sandbox_pb2 as pb
from groupbuy.team_formation.v1 import team_formation_service_pb2 as tf

from services.chassis.clock import ManualClock
from services.chassis.standing import Standing, unsettled
from services.chassis.twins import AT_ONCE, twin_of
from services.team_formation.handlers.test_clock import (
    FURTHEST,
    LOOK_SECONDS,
    SETTLE_SECONDS,
    TOGETHER,
    ClockMover,
    next_stop,
    pause,
)
from services.team_formation.rpc import sandbox
from services.team_formation.standings import OWN, Standings
from services.team_formation.translate import time
from tests.support.database import Database
from tests.support.engine import KEY
from tests.support.formation import PLATFORM, START
from tests.support.key_caller import Caller
from tests.support.rpcs import a_server
from tests.support.sandbox import a_campaign
from tests.support.until import until

TWIN = twin_of(PLATFORM, 1)
DAY = timedelta(days=1)


class Everyone(Standings):
    """All services; beside team_formation others that are where a test says."""

    others: dict[str, Standing]

    async def of(self, platform_id: UUID) -> dict[str, Standing]:
        return {**await super().of(platform_id), **self.others}


@dataclass
class Shop:
    """A shop with a key of its twin, and one process that moves clocks when it is told to."""

    caller: Caller
    key: str
    mover: ClockMover
    everyone: Everyone

    async def advance(self, *, again: bool = False, **how_far: Any) -> pb.TestClock:
        answer = await self.caller.call("AdvanceClock", pb.AdvanceClockRequest(**how_far), self.key, again=again)
        clock: pb.TestClock = answer.clock
        return clock

    async def refusal(self, key: str = "", **how_far: Any) -> str:
        return await self.caller.reason("AdvanceClock", pb.AdvanceClockRequest(**how_far), key or self.key)

    async def clock(self) -> pb.TestClock:
        clock: pb.TestClock = (await self.caller.call("GetTestClock", pb.GetTestClockRequest(), self.key)).clock
        return clock

    async def stops(self) -> list[timedelta]:
        """Move the clock as far as it goes, with all that team_formation does meanwhile; where it stopped."""
        formation, found = self.caller.server.engine.formation, []
        while await self.mover.run_once():
            found.append(formation.clock.now(TWIN) - START)
            await formation.finder.run_once()
        return found


@pytest.fixture
async def shop(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 0)
    async with a_server(database) as server:
        caller, formation = Caller(server), server.engine.formation
        made = await caller.create(scope_pb2.SCOPE_ADMIN, test=True)
        everyone = Everyone(formation.database, {}, "")
        everyone.others = {}
        yield Shop(caller, made.secret, ClockMover(formation.database, formation.clock, everyone), everyone)


async def test_a_clock_stands_where_it_was_until_it_is_moved_and_then_goes_to_its_target(shop: Shop) -> None:
    before = await shop.clock()
    assert (before.now, before.ahead, before.HasField("target")) == (time(START), Duration(), False)
    asked = await shop.advance(by=Duration(seconds=86_400))
    assert (asked.now, asked.target) == (time(START), time(START + DAY))
    assert await shop.stops() == [DAY]
    after = await shop.clock()
    assert (after.now, after.ahead) == (time(START + DAY), Duration(seconds=86_400))
    assert (after.HasField("target"), list(after.unsettled_services)) == (False, [])
    assert shop.caller.server.engine.formation.clock.now(PLATFORM) == START


async def test_each_moment_at_which_something_is_due_is_a_stop_and_what_it_makes_due_comes_before_later_ones(
    shop: Shop,
) -> None:
    call = shop.caller.call
    campaign = (await call("CreateCampaign", a_campaign(START), shop.key)).campaign.campaign_id
    opened = await call(
        "OpenTeam", tf.OpenTeamRequest(campaign_id=campaign, member_id="mei", sku="mango", quantity=1), shop.key
    )
    await call("ConfirmSeat", tf.ConfirmSeatRequest(seat_id=opened.seat.seat_id, amount=opened.seat.cap), shop.key)
    other = await call(
        "OpenTeam", tf.OpenTeamRequest(campaign_id=campaign, member_id="tom", sku="mango", quantity=1), shop.key
    )
    assert other.team.team_id != opened.team.team_id
    await shop.advance(to=time(START + 40 * DAY))
    assert await shop.stops() == [timedelta(minutes=10) + TOGETHER, 3 * DAY + TOGETHER, 40 * DAY]
    rows = await shop.caller.server.engine.formation.rows(
        "SELECT split_part(type, '.', 4), occurred_at FROM outbox WHERE occurred_at > %s AND aggregatetype = %s"
        " ORDER BY position",
        START,
        "groupbuy.team.v1",
    )
    assert [(kind, (at - START).days) for kind, at in rows] == [
        ("SeatReleased", 0),
        ("LeaderChanged", 0),
        ("TeamFailed", 3),
        ("TeamFailed", 3),
    ]


async def test_a_clock_waits_for_a_service_that_is_not_done(shop: Shop) -> None:
    await shop.advance(by=Duration(seconds=3600))
    sequence = (await shop.everyone.of(TWIN))[OWN].platform_sequence
    for behind in (
        Standing(-1),  # does not answer
        Standing(sequence - 1),  # has not heard of the clock's last move
        Standing(sequence, due_at=AT_ONCE),
        Standing(sequence, told={"groupbuy.settlement.v1": 1}),  # has told what nobody has applied yet
    ):
        shop.everyone.others = {"pricing": behind}
        assert await shop.stops() == [], behind
    assert list((await shop.clock()).unsettled_services) == []
    shop.everyone.others = {"pricing": Standing(sequence, due_at=START + timedelta(minutes=5))}
    assert await shop.stops() == [timedelta(minutes=5) + TOGETHER]


async def test_the_same_request_moves_a_clock_once_and_spans_add_up(shop: Shop) -> None:
    hour = Duration(seconds=3600)
    first = await shop.advance(by=hour)
    assert (await shop.advance(by=hour, again=True)).target == first.target
    assert (await shop.advance(by=hour)).target == time(START + timedelta(hours=2)), "from where it is moved to"
    assert await shop.stops() == [timedelta(hours=2)]
    assert not (await shop.advance(by=hour, again=True)).HasField("target")


async def test_a_clock_goes_neither_back_nor_further_than_ten_years(shop: Shop) -> None:
    assert await shop.refusal(to=time(START - timedelta(seconds=1))) == "CLOCK_IN_PAST"
    assert await shop.refusal(to=time(START + FURTHEST + timedelta(seconds=1))) == "CLOCK_TOO_FAR"
    assert await shop.refusal() == "INVALID_ARGUMENT"
    for wrong in (Duration(seconds=-1), Duration(), Duration(seconds=10**12)):
        assert await shop.refusal(by=wrong) == "INVALID_ARGUMENT", wrong
    await shop.advance(to=time(START + DAY))
    assert await shop.refusal(to=time(START + timedelta(hours=1))) == "CLOCK_IN_PAST"


async def test_a_real_platform_has_no_clock_of_its_own(shop: Shop) -> None:
    assert await shop.refusal(KEY, by=Duration(seconds=60)) == "SANDBOX_ONLY"
    assert await shop.caller.reason("GetTestClock", pb.GetTestClockRequest()) == "SANDBOX_ONLY"


async def test_two_processes_that_move_one_clock_make_each_step_once(shop: Shop) -> None:
    formation = shop.caller.server.engine.formation
    other = ClockMover(formation.database, ManualClock(START), shop.everyone)
    await shop.advance(by=Duration(seconds=3600))
    moved = await asyncio.gather(shop.mover.run_once(), other.run_once())
    assert sum(moved) == 1
    [(sequence, ahead)] = await formation.rows(
        "SELECT sequence, clock_ahead FROM platforms WHERE platform_id = %s", TWIN
    )
    assert (sequence, ahead) == (2, 3_600_000_000)


async def test_a_clock_that_stands_for_long_is_looked_at_ever_less_often(shop: Shop) -> None:
    asked = 0

    class Counting(Everyone):
        async def of(self, platform_id: UUID) -> dict[str, Standing]:
            nonlocal asked
            asked += 1
            return await super().of(platform_id)

    database = shop.caller.server.engine.formation.database
    counting = Counting(database, {}, "")
    counting.others = {"pricing": Standing(-1)}
    await shop.advance(by=Duration(seconds=3600))
    moving = asyncio.create_task(ClockMover(database, shop.caller.server.engine.formation.clock, counting).run())
    try:
        await until(lambda: asked >= 5)
        counting.others = {}
        await until(lambda: shop.caller.server.engine.formation.clock.now(TWIN) > START)
    finally:
        moving.cancel()
        await asyncio.wait([moving])
    waits = [pause(stood) for stood in (0, 0.1, 1, 5, 10, 86_400)]
    assert waits == [SETTLE_SECONDS, SETTLE_SECONDS, 0.1, 0.5, LOOK_SECONDS, LOOK_SECONDS]


def test_what_is_settled() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    mine = Standing(4, {"groupbuy.team.v1": 7, "groupbuy.campaign.v1": 1}, {"groupbuy.settlement.v1": 2}, now + DAY)
    read = {"groupbuy.team.v1": 7, "groupbuy.campaign.v1": 1}
    pricing = Standing(4, {"groupbuy.settlement.v1": 2}, read)
    told = Standing(4, {}, {**read, "groupbuy.settlement.v1": 2})
    assert unsettled({OWN: mine, "pricing": pricing, "notification": told}, OWN, now) == []
    assert unsettled({OWN: mine, "pricing": pricing, "notification": Standing(4, {}, read)}, OWN, now) == [
        "notification"
    ]
    assert unsettled({OWN: mine, "pricing": Standing(4, {"groupbuy.settlement.v1": 3}, read)}, OWN, now) == [OWN]
    assert unsettled({OWN: mine, "pricing": pricing}, OWN, now + DAY) == [OWN]


def test_a_clock_stops_at_the_first_that_is_due_anywhere() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    standings = {OWN: Standing(1, due_at=now + 2 * DAY), "pricing": Standing(1, due_at=now + DAY), "other": Standing(1)}
    assert next_stop(standings, now + 9 * DAY) == now + DAY + TOGETHER
    assert next_stop(standings, now + DAY) == now + DAY
    assert next_stop({OWN: Standing(1)}, now + 9 * DAY) == now + 9 * DAY
