"""A shop's test twin on the whole engine: time moves on in all services together, and the shop notices nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb
from groupbuy.team_formation.v1 import types_pb2
from psycopg import AsyncConnection

from deploy.check.runner import wait_for_checks
from deploy.local.stack import Stack
from services.chassis.database import database_url
from tests.support.sandbox import DAY, Trier, shop_of, time_of
from tests.support.stacks import a_stack

SERVICES = ("team_formation", "pricing")
LATE = timedelta(seconds=5)
"""So much later something may happen than it is due: timers look twice a second, and this machine may be busy."""


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with a_stack(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Trier]:
    channels: list[grpc.aio.Channel] = []
    yield shop_of(stack, channels)
    for channel in channels:
        await channel.close()


async def told(stack: Stack, *keys: str) -> list[tuple[datetime, str]]:
    """Read what team_formation and pricing have told of keys, in the order in which it happened."""
    found: list[tuple[datetime, str]] = []
    for service in SERVICES:
        async with await AsyncConnection.connect(database_url(stack.database_url, service)) as connection:
            cursor = await connection.execute(
                "SELECT occurred_at, type FROM outbox WHERE aggregateid = ANY(%s) ORDER BY position", (list(keys),)
            )
            own = [(at, kind.rpartition(".")[2]) for at, kind in await cursor.fetchall()]
            assert own == sorted(own, key=lambda item: item[0]), f"{service} told something before what came before it"
            found += own
    return sorted(found, key=lambda item: item[0])


@pytest.mark.timeout(300)
async def test_forty_days_pass_in_one_call_and_everything_happens_at_its_time(stack: Stack, shop: Trier) -> None:
    twin = await shop.twin()
    begin = time_of((await twin.clock()).now)
    real = await shop.campaign(begin)
    untouched = await shop.open(real, "rosa")
    rules = {"on_full": types_pb2.ON_FULL_WAITLIST, "max_waiting": 5, "close_when_full": False}
    campaign_id = await twin.campaign(begin, **rules)
    formed = await twin.open(campaign_id, "mei")
    await twin.confirm(formed.seat)
    code = await twin.invite(formed.team.team_id, "mei")
    await twin.confirm(await twin.join(code, "tom"))
    await twin.join(code, "lin")
    failed = await twin.open(campaign_id, "ann")

    clock = await twin.advance(40 * DAY)

    assert begin + 40 * DAY <= time_of(clock.now) < datetime.now(UTC) + 40 * DAY + LATE
    later = [
        (kind, at)
        for at, kind in await told(stack, formed.team.team_id, failed.team.team_id)
        if at > begin + timedelta(minutes=5) and kind != "SettlementLineRecorded"
    ]
    expected = [
        ("SeatReleased", timedelta(minutes=10)),
        ("LeaderChanged", timedelta(minutes=10)),
        ("TeamFormed", 3 * DAY),
        ("TeamFailed", 3 * DAY),
        # neither has paid within a week: lin, who waited, takes a place, and does not pay within a week of her own
        *[("PaymentLapsed", 10 * DAY)] * 2,
        *[("SeatDefaulted", 10 * DAY)] * 2,
        ("SeatConfirmed", 10 * DAY),
        ("PaymentLapsed", 17 * DAY),
        ("SeatDefaulted", 17 * DAY),
    ]
    assert sorted(kind for kind, _ in later) == sorted(kind for kind, _ in expected)
    for kind in {kind for kind, _ in expected}:
        ats = [at - begin for name, at in later if name == kind]
        dues = [due for name, due in expected if name == kind]
        assert all(due <= at < due + LATE for at, due in zip(ats, dues, strict=True)), (kind, ats)

    seat = (await shop.call("GetSeat", pb.GetSeatRequest(seat_id=untouched.seat.seat_id))).seat
    assert types_pb2.SeatState.Name(seat.state) == "SEAT_STATE_HELD", "the shop's own time goes on as ever"
    results = await wait_for_checks(stack.database_url, 60)
    assert [(result.name, result.examples) for result in results if result.violations] == []
